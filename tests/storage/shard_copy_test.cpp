// Copies of a shard's documents: what one store's view hands out becomes the same in another, whatever the pieces, and
// the log goes on behind it.
#include "storage/shard_copy.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>

#include "storage/store_impl.hpp"
#include "tests/storage/copy_support.hpp"

using namespace octavo;
using namespace octavo::storage;
using namespace octavo::storage::testing;

TEST_CASE("a copy of a document is the document, with its whole history") {
  temporary_folder folder;
  auto from = open_ok(with_history(folder / "from"));
  make_rich(*from, "a");
  require_ok(from->set_quarantined("a", "for a test"));
  REQUIRE((*from->find("a"))->first_seq == 6);
  const std::string nul("b\0c", 3);
  require_ok(step(1).edit(nul, 1, 2).edit("empty", 1, 1).in(*from));
  require_ok(from->put_snapshot("empty", 1, {}, 7));
  require_ok(step(1).note("n").entries(1, 4).applied(2).in(*from));
  const std::vector<std::string> names{"a", nul, "empty"};
  const auto view = view_of(*from, 1);
  CHECK(as_text(view->shard().note) == "n");
  CHECK(view->shard().applied == 2);
  CHECK(view->entries()->size() == 4);
  const auto whole = parts_of(*view, "a");
  CHECK(whole.size() == 3 + 1 + 7 + 2 + 1 + 1 + 1 + 3);

  for (const std::size_t max_bytes : {std::size_t{0}, std::size_t{100}, snapshot_chunk_bytes, all_bytes}) {
    CAPTURE(max_bytes);
    CHECK(parts_of(*view, "a", max_bytes) == whole);
    const auto path = folder / ("to" + std::to_string(max_bytes));
    auto to = open_ok(with_history(path));
    for (const auto& name : names) copy_document(*view, name, *to, max_bytes);
    for (int open = 0; open < 2; ++open) {
      for (const auto& name : names) CHECK(everything_of(*to, name) == everything_of(*from, name));
      CHECK(documents_of(*to, 1) == names);
      CHECK(to->stats()->documents == 3);
      const auto report = to->check();
      CHECK(report->problem_count == 1);  // it is set aside
      CHECK(report->versions == 4);
      to.reset();
      to = open_ok(with_history(path));
    }
    // It goes on as any other does.
    require_ok(to->clear_quarantined("a"));
    require_ok(step(1).edit("a", 13, 14).edit("empty", 2, 2).in(*to));
    require_ok(to->put_snapshot("a", 13, as_bytes("13"), 10'000));
    require_ok(to->put_version("a", "new", 14, as_bytes("14"), 1, ""));
    require_ok(to->quarantine_update("a", 1, "", "", as_bytes("x")));
    CHECK(to->list_quarantine("a")->back().number == 4);
    check_sound(*to);
    require_ok(to->remove("a"));
    check_sound(*to);
  }
}

TEST_CASE("a view stays as it is, whatever is written and dropped since") {
  temporary_folder folder;
  auto from = open_ok(with_history(folder / "from"));
  make_rich(*from, "a");
  require_ok(step(1).note("old").entries(1, 5).edit("b", 1, 2).applied(3).in(*from));
  const auto a = everything_of(*from, "a");
  const auto b = everything_of(*from, "b");
  const auto view = view_of(*from, 1);
  const auto first = view->read("a", 0, {}, 1);
  require_ok(first);

  require_ok(step(1).note("new").entries(6, 9).applied(8).drop_until(8).edit("a", 13, 20).edit("c", 1, 1).in(*from));
  require_ok(from->put_snapshot("a", 20, as_bytes("twenty"), 1'000'000));
  require_ok(from->remove_version("a", "ten"));
  require_ok(from->remove("b"));
  require_ok(from->compact());
  SUBCASE("and the shard goes on") {}
  SUBCASE("and the shard is cleared") {
    require_ok(step(1).clear().in(*from));
  }

  CHECK(as_text(view->shard().note) == "old");
  CHECK(view->shard().applied == 3);
  CHECK(view->entries()->size() == 5);
  CHECK(view->entries()->front().lsn == 1);
  CHECK(view->list({}, 9)->documents.size() == 2);
  CHECK(view->list({}, 1)->more);
  CHECK(view->list("a", 9)->documents[0].name == "b");
  CHECK(view->read("c", 0, {}, 1).error().code == errc::not_found);
  CHECK(view->read("a", 0, {}, 1)->parts == first->parts);
  auto to = open_ok(with_history(folder / "to"));
  copy_document(*view, "a", *to, 1);
  copy_document(*view, "b", *to);
  CHECK(everything_of(*to, "a") == a);
  CHECK(everything_of(*to, "b") == b);
  check_sound(*to);
}

TEST_CASE("a view gives the records behind one, and says where the log no longer goes back that far") {
  temporary_folder folder;
  auto store = open_ok(with_history(folder / "s"));
  CHECK(store->view_shard(1).error().code == errc::not_found);
  make_rich(*store, "a");
  fill(*store, "none", 1, 1);
  require_ok(step(2).edit("other", 1, 1).in(*store));
  const auto view = view_of(*store, 1);
  for (const std::size_t max_bytes : {std::size_t{1}, all_bytes}) {
    const auto parts = parts_of(*view, "a", max_bytes, 8);
    REQUIRE(parts.size() == 4);
    for (std::uint64_t i = 0; i < 4; ++i) CHECK(parts[i].seq == 9 + i);
    CHECK(parts[0].kind == part_kind::record);
    CHECK(as_text(parts[3].data) == "a/12");
    CHECK(parts[3].user == "ann");
    CHECK(parts_of(*view, "a", max_bytes, 5).size() == 7);
  }
  CHECK(parts_of(*view, "a", 1, 12).empty());
  CHECK(parts_of(*view, "a", 1, 99).empty());
  CHECK(view->read("a", 4, {}, 1).error().code == errc::not_found);
  for (const auto* name : {"none", "other", "nothing", ""}) {
    CHECK(view->read(name, 0, {}, 1).error().code == errc::not_found);
    CHECK(view->read(name, 1, {}, 1).error().code == errc::not_found);
  }
  // Cursors from anywhere.
  CHECK(view->read("a", 0, {static_cast<part_kind>(0), 0, 0, 0}, 1).error().code == errc::invalid_argument);
  CHECK(view->read("a", 0, {static_cast<part_kind>(9), 0, 0, 0}, 1).error().code == errc::invalid_argument);
  CHECK(view->read("a", 0, {part_kind::snapshot, 5, 1, 0}, 1).error().code == errc::invalid_argument);
  CHECK(view->read("a", 0, {part_kind::snapshot, 5, std::uint64_t{1} << 62U, 0}, 1).error().code ==
        errc::invalid_argument);
  CHECK(view->read("a", 0, {part_kind::snapshot, 4, snapshot_chunk_bytes, 0}, 1).error().code ==
        errc::invalid_argument);
  CHECK(view->read("a", 0, {part_kind::snapshot, 5, 2 * snapshot_chunk_bytes, 1}, 1).error().code == errc::corrupt);
  CHECK(view->read("a", 0, {part_kind::record, 99, 0, 0}, 1)->parts[0].kind == part_kind::version);
  CHECK(view->read("a", 0, {part_kind::quarantined, 99, 0, 0}, 1)->parts.empty());
}

TEST_CASE("a copy takes the place of the document that has its name") {
  temporary_folder folder;
  auto from = open_ok(with_history(folder / "from"));
  make_rich(*from, "a");
  const auto view = view_of(*from, 1);
  const auto options = with_history(folder / "to");
  auto to = open_ok(options);
  bool is_free = false;
  SUBCASE("a newer one of the same shard") {
    require_ok(step(1).edit("a", 1, 30).edit("b", 1, 1).in(*to));
    require_ok(to->put_snapshot("a", 20, as_bytes("x"), 1));
    require_ok(to->put_version("a", "v", 3, as_bytes("x"), 1, ""));
    require_ok(to->quarantine_update("a", 1, "", "", as_bytes("x")));
  }
  SUBCASE("itself") {
    require_ok(step(1).edit("b", 1, 1).in(*to));
    copy_document(*view, "a", *to);
  }
  SUBCASE("one of no shard") {
    require_ok(step(1).edit("b", 1, 1).in(*to));
    fill(*to, "a", 1, 2);
    is_free = true;
  }
  const auto old = (*to->find("a"))->id;
  CHECK((*to->find("a"))->shard.has_value() != is_free);
  copy_document(*view, "a", *to, 1);
  CHECK((*to->find("a"))->id != old);
  CHECK(to->stats()->documents == 2);
  CHECK(documents_of(*to, 1) == std::vector<std::string>{"a", "b"});
  CHECK(everything_of(*to, "a") == everything_of(*from, "a"));
  check_sound(*to);
  // Who worked on the old one is told.
  CHECK(to->put_snapshot("a", 12, as_bytes("x"), 1, old).error().code == errc::not_found);
  to.reset();
  CHECK(keys_under(options, old) == 0);
  to = open_ok(options);
  CHECK(everything_of(*to, "a") == everything_of(*from, "a"));
  check_sound(*to);
}

TEST_CASE("a copy takes the place of a document that cannot be read") {
  temporary_folder folder;
  auto from = open_ok(with_history(folder / "from"));
  make_rich(*from, "a");
  const auto options = with_history(folder / "to");
  std::uint64_t old = 0;
  {
    auto to = open_ok(options);
    make_rich(*to, "a");
    require_ok(step(1).edit("b", 1, 1).in(*to));
    old = (*to->find("a"))->id;
  }
  {
    auto db = database::open(options.path / "db", options, nullptr, std::make_shared<background_state>());
    require_ok(db);
    REQUIRE((*db)->db().Put({}, (**db)[family::names], "a", "damaged").ok());
    REQUIRE((*db)->flush());
  }
  {
    auto to = open_ok(options);
    CHECK(to->find("a").error().code == errc::corrupt);
    copy_document(*view_of(*from, 1), "a", *to);
    CHECK(everything_of(*to, "a") == everything_of(*from, "a"));
    CHECK(to->stats()->documents == 2);
    check_sound(*to);
  }
  CHECK(keys_under(options, old) == 0);
}

TEST_CASE("a copy does not take a document from another shard, and can still be dropped") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  require_ok(step(2).edit("a", 1, 2).in(*store));
  const auto copy = begun(*store, 1);
  const std::array parts{record_part(1)};
  require_ok(store->add_to_copy(copy, parts));
  const document_copy what{"a", 1, 1, 1, 1, {}};
  CHECK(store->finish_copy(copy, what).error().code == errc::internal);
  CHECK(store->finish_copy(copy, what).error().code == errc::internal);
  check_filled(*store, "a", 2);
  // Where it has gone meanwhile, the copy may come.
  require_ok(step(2).remove("a").in(*store));
  require_ok(store->finish_copy(copy, what));
  CHECK(documents_of(*store, 1) == std::vector<std::string>{"a"});
  CHECK(store->finish_copy(copy, what).error().code == errc::not_found);
  CHECK(store->add_to_copy(copy, parts).error().code == errc::not_found);
  store->drop_copy(copy);
  store->drop_copy(12345);
  CHECK(store->load("a")->records.size() == 1);
  check_sound(*store);
}

TEST_CASE("what is out of order or no document can have is refused, and the copy goes on without it") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  const auto state = state_of(2 * snapshot_chunk_bytes + 5, 1);
  const auto copy = begun(*store, 1);
  const auto refused = [&](const std::vector<document_part>& parts) {
    const auto outcome = store->add_to_copy(copy, parts);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == errc::invalid_argument);
  };
  const auto with = [](document_part part, const auto& change) {
    change(part);
    return part;
  };
  const auto snapshot = part_kind::snapshot;
  const auto piece = [&](std::uint64_t number, std::uint64_t seq = 4) {
    return state_piece(snapshot, seq, state, number * snapshot_chunk_bytes);
  };
  refused({piece(1)});
  refused({state_piece(snapshot, 0, "s")});
  refused({state_piece(snapshot, version_pieces, "s")});
  refused({with(piece(0), [](auto& part) { part.state_bytes = max_snapshot_bytes + 1; })});
  refused({with(piece(0), [](auto& part) { part.data.pop_back(); })});
  refused({with(piece(0), [](auto& part) { part.data.push_back({}); })});
  refused({with(piece(0), [](auto& part) { part.kind = static_cast<part_kind>(0); })});
  refused({with(record_part(1), [](auto& part) { part.kind = static_cast<part_kind>(5); })});
  std::vector<document_part> many;
  for (std::uint64_t seq = 1; seq <= max_kept_snapshots + 1; ++seq) many.push_back(state_piece(snapshot, seq, "s"));
  refused(many);

  const std::vector<document_part> begin{piece(0), piece(1)};
  require_ok(store->add_to_copy(copy, begin));
  refused({piece(1)});
  refused({piece(0)});
  refused({piece(2, 5)});
  refused({with(piece(2), [](auto& part) { part.time_ms = 2; })});
  refused({with(piece(2), [](auto& part) { ++part.state_bytes; })});
  refused({record_part(5)});
  // What comes before the part that is refused is not added either.
  refused({piece(2), record_part(5), record_part(7)});
  refused({piece(2), record_part(5), piece(0, 6)});
  refused({piece(2), state_piece(snapshot, 4, "s")});
  require_ok(store->add_to_copy(copy, std::vector{piece(2), record_part(5)}));
  require_ok(store->add_to_copy(copy, {}));
  refused({record_part(5)});
  refused({record_part(7)});
  refused({record_part(0)});
  refused({with(record_part(6), [](auto& part) { part.user.assign(max_user_bytes + 1, 'u'); })});
  refused({state_piece(snapshot, 6, "s")});
  const auto version = part_kind::version;
  refused({state_piece(version, 1, "s")});
  refused({state_piece(version, 1, "s", 0, "\xff")});
  refused({state_piece(version, 1, "s", 0, "l"), state_piece(version, 2, "s", 0, "l")});
  many.clear();
  for (std::size_t i = 0; i <= max_named_versions; ++i)
    many.push_back(state_piece(version, 1, "s", 0, std::to_string(i)));
  refused(many);
  require_ok(store->add_to_copy(copy, std::vector{state_piece(version, 3, "three", 0, "l")}));
  refused({record_part(6)});
  refused({quarantined_part(2), quarantined_part(2)});
  refused({with(quarantined_part(1), [](auto& part) { part.text.assign(max_reason_bytes + 1, 'u'); })});
  refused({with(quarantined_part(1), [](auto& part) { part.data.resize(max_quarantined_bytes + 1); })});
  many.clear();
  for (std::uint64_t n = 1; n <= max_quarantined_updates + 1; ++n) many.push_back(quarantined_part(n));
  refused(many);
  require_ok(store->add_to_copy(copy, std::vector{quarantined_part(7)}));
  refused({state_piece(version, 3, "s", 0, "m")});

  require_ok(store->finish_copy(copy, {"a", 5, 5, 1, 2, {}}));
  const auto whole = store->load("a");
  require_ok(whole);
  CHECK(as_text(*whole->snapshot) == state);
  CHECK(whole->records.size() == 1);
  CHECK(store->list_versions("a")->size() == 1);
  CHECK(store->list_quarantine("a")->front().number == 7);
  check_sound(*store);
}

TEST_CASE("a copy that does not make up the document is dropped when it should become one") {
  temporary_folder folder;
  const auto options = options_for(folder / "s");
  auto store = open_ok(options);
  require_ok(step(1).edit("a", 1, 2).in(*store));
  const auto piece = state_piece(part_kind::snapshot, 4, state_of(snapshot_chunk_bytes + 1, 1));
  const auto four = state_piece(part_kind::snapshot, 4, "four");
  const auto six = state_piece(part_kind::snapshot, 6, "six");
  const auto version = state_piece(part_kind::version, 6, "six", 0, "l");
  struct attempt {
    std::vector<document_part> parts;
    document_copy what;
  };
  const std::vector<attempt> refused{
      {{piece}, {"a", 4, 5, 1, 1, {}}},
      {{four, record_part(5)}, {"a", 6, 5, 1, 1, {}}},
      {{four, record_part(5)}, {"a", 4, 5, 1, 1, {}}},
      {{four, record_part(5), record_part(6)}, {"a", 6, 6, 1, 1, {}}},
      {{four, record_part(6)}, {"a", 6, 5, 1, 1, {}}},
      {{four, record_part(6)}, {"a", 6, 6, 1, 1, {}}},
      {{record_part(5)}, {"a", 5, 5, 1, 1, {}}},
      {{four, six, record_part(7)}, {"a", 7, 7, 1, 1, {}}},
      {{four, six, record_part(5)}, {"a", 5, 5, 1, 1, {}}},
      {{four, record_part(5), version}, {"a", 5, 5, 1, 1, {}}},
      {{four}, {"a", 5, 5, 1, 1, {}}},
      {{}, {"a", 1, 1, 1, 1, {}}},
      {{}, {"a", 0, 0, 1, 1, {}}},
      {{}, {"a", std::numeric_limits<std::uint64_t>::max(), 0, 1, 1, {}}},
      {{record_part(1)}, {"", 1, 1, 1, 1, {}}},
      {{record_part(1)}, {"\xff", 1, 1, 1, 1, {}}},
  };
  for (std::size_t i = 0; i < refused.size(); ++i) {
    CAPTURE(i);
    const auto copy = begun(*store, 1);
    require_ok(store->add_to_copy(copy, refused[i].parts));
    const auto outcome = store->finish_copy(copy, refused[i].what);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == errc::invalid_argument);
    CHECK(store->finish_copy(copy, refused[i].what).error().code == errc::not_found);
    store.reset();
    CHECK(keys_under(options, copy) == 0);
    store = open_ok(options);
  }
  check_filled(*store, "a", 2);
  // And what is just about a document.
  require_ok(copy_parts(*store, 1, {four}, {"a", 4, 5, 1, 1, {}}));
  CHECK(as_text(*store->load("a")->snapshot) == "four");
  require_ok(copy_parts(*store, 1, {}, {"b", 0, 1, 1, 1, std::string(max_reason_bytes + 9, 'r')}));
  CHECK((*store->find("b"))->quarantine_reason.size() == max_reason_bytes);
  CHECK(store->stats()->documents == 2);
  require_ok(store->remove("b"));
  check_sound(*store);
}

TEST_CASE("updates that a copy may hold already are left out up to where documents are ahead, and not beyond") {
  temporary_folder folder;
  auto store = open_ok(folder / "s");
  const auto reopen = [&] {
    store.reset();
    store = open_ok(folder / "s");
  };
  // "a" was copied as it is after entry 20, "b" as after entry 12; each entry is an update of "a".
  require_ok(step(1).entries(1, 30).edit("a", 1, 20).edit("b", 1, 2).applied(10).in(*store));
  CHECK(step(1).edit("a", 11, 11).applied(11).in(*store).error().code == errc::internal);
  // Its own `ahead` holds for a step, but not where it passes it, or does not say how far it goes.
  CHECK(step(1).edit("a", 11, 11).applied(11).ahead(10).in(*store).error().code == errc::internal);
  CHECK(step(1).edit("a", 11, 11).ahead(20).in(*store).error().code == errc::internal);
  CHECK(shard_in(*store, 1).ahead == 0);
  require_ok(step(1).edit("a", 11, 11).edit("b", 3, 3).edit("new", 2, 2).applied(11).ahead(20).in(*store));
  CHECK(shard_in(*store, 1).ahead == 20);
  check_filled(*store, "a", 20);
  check_filled(*store, "b", 3);
  CHECK_FALSE(*store->find("new"));
  CHECK(store->stats()->documents == 2);
  SUBCASE("in one go") {}
  SUBCASE("after a restart") {
    reopen();
  }

  // The greater stays.
  require_ok(step(1).ahead(15).in(*store));
  CHECK(shard_in(*store, 1).ahead == 20);
  require_ok(step(1).ahead(22).in(*store));
  reopen();
  CHECK(shard_in(*store, 1).ahead == 22);
  CHECK(view_of(*store, 1)->shard().ahead == 22);
  check_sound(*store);
  // A gap is no more refused than a repetition; what follows is written.
  require_ok(step(1).edit("a", 12, 14).edit("b", 9, 9).edit("new", 1, 1).edit("new", 3, 3).applied(14).in(*store));
  check_filled(*store, "b", 3);
  check_filled(*store, "new", 1);
  CHECK(step(1).edit("a", 15, 15).in(*store).error().code == errc::internal);
  CHECK(step(1).edit("a", 15, 23).applied(23).in(*store).error().code == errc::internal);
  // Another shard's documents stay its own.
  require_ok(step(2).edit("other", 1, 1).in(*store));
  CHECK(step(1).edit("other", 1, 1).applied(15).in(*store).error().code == errc::internal);
  // One that goes and comes anew within what is copied is what the log makes of it in the end.
  require_ok(step(1).remove("a").applied(16).in(*store));
  require_ok(step(1).edit("a", 1, 2).applied(17).in(*store));
  check_filled(*store, "a", 2);

  // The last step of those holds what the others do; then updates must follow again.
  require_ok(step(1).edit("b", 1, 1).applied(22).in(*store));
  CHECK(shard_in(*store, 1).ahead == 0);
  CHECK(step(1).edit("b", 1, 1).applied(22).in(*store).error().code == errc::internal);
  require_ok(step(1).edit("b", 4, 4).applied(23).in(*store));
  require_ok(step(1).ahead(23).in(*store));
  CHECK(shard_in(*store, 1).ahead == 0);
  require_ok(step(1).ahead(40).in(*store));
  // Several steps of one commit, and a clear.
  const auto late = step(1).edit("b", 1, 1).applied(25);
  const auto clear = step(1).clear();
  const auto strict = step(1).edit("b", 2, 2).applied(1);
  const std::vector<shard_write> refused{late.write, clear.write, strict.write};
  CHECK(store->commit_shards(refused).error().code == errc::internal);
  CHECK(shard_in(*store, 1).ahead == 40);
  const std::vector<shard_write> both{late.write, clear.write};
  require_ok(store->commit_shards(both));
  CHECK(shard_in(*store, 1).ahead == 0);
  require_ok(step(1).clear().ahead(7).note("n").in(*store));
  reopen();
  CHECK(shard_in(*store, 1).ahead == 7);
  check_sound(*store);
}

TEST_CASE("a replica that lags goes on behind copies of another one's documents") {
  temporary_folder folder;
  auto from = open_ok(folder / "from");
  auto to = open_ok(folder / "to");
  for (auto* store : {from.get(), to.get()}) {
    require_ok(step(1).note("n").entries(1, 12).edit("a", 1, 10).edit("gone", 1, 1).applied(10).in(*store));
    require_ok(step(1).drop_until(8).in(*store));
  }
  require_ok(step(1).entries(13, 50).edit("a", 11, 49).remove("gone").edit("b", 1, 1).applied(50).in(*from));
  require_ok(from->put_snapshot("a", 40, as_bytes("forty"), 1));
  const auto view = view_of(*from, 1);
  // Documents are ahead while the log is not.
  require_ok(step(1).ahead(view->shard().applied).in(*to));
  copy_document(*view, "a", *to, 1);
  require_ok(step(1).edit("a", 11, 11).applied(11).in(*to));
  copy_document(*view, "b", *to, 1);
  check_log(*to, 1, 9, 12, 11);
  to.reset();
  to = open_ok(folder / "to");
  CHECK(shard_in(*to, 1).ahead == 50);
  auto jump = step(1).note("jumped").truncate_after(11).drop_until(50).remove("gone").applied(50);
  require_ok(jump.in(*to));
  check_log(*to, 1, 0, 0, 50);
  CHECK(shard_in(*to, 1).ahead == 0);
  CHECK(documents_of(*to, 1) == documents_of(*from, 1));
  CHECK(step(1).entries(50, 50).in(*to).error().code == errc::internal);
  for (auto* store : {from.get(), to.get()}) {
    require_ok(step(1).entries(51, 52).edit("a", 50, 50).edit("b", 2, 2).applied(52).in(*store));
  }
  CHECK(everything_of(*to, "a") == everything_of(*from, "a"));
  CHECK(everything_of(*to, "b") == everything_of(*from, "b"));
  to.reset();
  to = open_ok(folder / "to");
  check_log(*to, 1, 51, 52, 52);
  check_sound(*to);
}

TEST_CASE("a view does not hand out what is damaged, and the check knows the keys of copies") {
  temporary_folder folder;
  const auto options = with_history(folder / "s");
  std::uint64_t id = 0;
  {
    auto store = open_ok(options);
    make_rich(*store, "a");
    require_ok(step(1).ahead(5).in(*store));
    id = (*store->find("a"))->id;
    begun(*store, 1);
  }
  std::string expected;
  bool is_of_document = true;
  std::uint64_t problems = 1;
  {
    auto db = database::open(options.path / "db", options, nullptr, std::make_shared<background_state>());
    require_ok(db);
    const rocksdb::WriteOptions how;
    const auto put = [&](family which, const std::string& key, const std::string& value) {
      REQUIRE((*db)->db().Put(how, (**db)[which], key, value).ok());
    };
    const auto spoil = [&](family which, const std::string& key) {
      auto value = *(*db)->get(which, key);
      value[0] = static_cast<char>(value[0] ^ 1);
      put(which, key, value);
    };
    const auto drop = [&](family which, const std::string& key) {
      REQUIRE((*db)->db().Delete(how, (**db)[which], key).ok());
    };
    SUBCASE("a piece") {
      spoil(family::pieces, piece_key(id, 5, 1));
      expected = "the snapshot at update 5";
    }
    SUBCASE("a piece is missing") {
      drop(family::pieces, piece_key(id, 5, 2));
      expected = "the snapshot at update 5";
    }
    SUBCASE("a piece of another state") {
      const auto key = piece_key(id, 5, 1);
      std::string other(snapshot_chunk_bytes, 'x');
      seal(key, other);
      put(family::pieces, key, other);
      expected = "the snapshot at update 5";
    }
    SUBCASE("the header of a snapshot") {
      spoil(family::snapshots, snapshot_key(id, 9));
      expected = "the header of a snapshot";
    }
    SUBCASE("an update") {
      spoil(family::log, log_key(id, 8));
      expected = "update 8";
    }
    SUBCASE("an update is missing") {
      drop(family::log, log_key(id, 8));
      expected = "update 8";
    }
    SUBCASE("the last update is missing") {
      drop(family::log, log_key(id, 12));
      expected = "update 12";
    }
    SUBCASE("a version") {
      spoil(family::versions, version_key(id, 3));
      expected = "a named version";
    }
    SUBCASE("a version's piece") {
      spoil(family::pieces, version_piece_key(id, 1, 1));
      expected = "the version \"ten\"";
    }
    SUBCASE("a quarantined update") {
      spoil(family::quarantine, quarantine_key(id, 2));
      expected = "a quarantined update";
    }
    SUBCASE("the key of a copy") {
      spoil(family::shards, shard_copy_key(1, id + 1));
      is_of_document = false;
    }
    SUBCASE("how far documents are ahead") {
      spoil(family::shards, shard_key(1, shard_part::ahead));
      is_of_document = false;
    }
    REQUIRE((*db)->flush());
  }
  auto reading = options;
  reading.read_only = true;
  {
    auto store = open_ok(reading);
    CHECK(store->check()->problem_count == problems);
    if (is_of_document) {
      const auto view = view_of(*store, 1);
      for (const std::size_t max_bytes : {std::size_t{1}, all_bytes}) {
        std::optional<part_cursor> next = part_cursor{};
        std::optional<error> damage;
        while (next && !damage) {
          auto page = view->read("a", 0, *next, max_bytes);
          if (page) {
            next = page->next;
          } else {
            damage = page.error();
          }
        }
        REQUIRE(damage);
        CHECK(damage->code == errc::corrupt);
        CHECK(damage->message.find(expected) != std::string::npos);
      }
    }
  }
  // What is damaged of copies and of `ahead` goes with them.
  if (is_of_document) return;
  auto store = open_ok(options);
  require_ok(step(1).clear().in(*store));
  check_sound(*store);
}

TEST_CASE("the log and copies never change documents of a shard at the same time") {
  temporary_folder folder;
  auto from = open_ok(options_for(folder / "from"));
  require_ok(step(1).edit("a", 1, 3).edit("b", 1, 1).applied(4).in(*from));
  const auto view = view_of(*from, 1);
  auto to = open_ok(options_for(folder / "to"));
  require_ok(step(1).edit("c", 1, 1).applied(1).in(*to));
  const auto copy = to->begin_copy(1, 4);
  require_ok(copy);
  require_ok(to->add_to_copy(*copy, parts_of(*view, "a")));
  const auto finish = [&] { return to->finish_copy(*copy, metadata_of(info_in(*view, "a"))); };
  const auto refuses = [&] {
    CHECK(step(1).as_of(4).remove("c").in(*to).error().code == errc::moved);
    CHECK(step(1).as_of(4).edit("c", 2, 2).in(*to).error().code == errc::moved);
  };
  // Nobody has said that they are on their way.
  refuses();
  CHECK(finish().error().code == errc::moved);
  require_ok(step(1).ahead(4).copying(4).in(*to));
  CHECK(step(1).as_of(3).remove("c").in(*to).error().code == errc::moved);
  CHECK_FALSE(*to->is_mixed(1));
  SUBCASE("while the log stands they are taken") {
    require_ok(step(1).entries(2, 3).in(*to));
    require_ok(step(1).as_of(4).remove("c").in(*to));
    require_ok(finish());
    CHECK(documents_of(*to, 1) == std::vector<std::string>{"a"});
    CHECK_FALSE(*to->is_mixed(1));
    to.reset();
    to = open_ok(options_for(folder / "to"));
    CHECK(*to->is_mixed(1));
    refuses();
  }
  SUBCASE("the log has gone on") {
    require_ok(step(1).edit("a", 1, 1).applied(2).in(*to));
    refuses();
    CHECK(finish().error().code == errc::moved);
    CHECK((*to->find("a"))->last_seq == 1);
    CHECK(*to->is_mixed(1));
    require_ok(step(1).edit("a", 2, 3).applied(4).in(*to));
    CHECK_FALSE(*to->is_mixed(1));
  }
  SUBCASE("the shard was cleared") {
    require_ok(step(1).clear().in(*to));
    refuses();
    CHECK(finish().error().code == errc::not_found);
    CHECK_FALSE(*to->is_mixed(1));
  }
  to->drop_copy(*copy);
  check_sound(*to);
}
