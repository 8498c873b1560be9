// Two documents that are edited at once and end alike, and what one can ask of them: the program of docs/crdt.md, whose
// pieces of code are these.
#include <iostream>
#include <random>
#include <string>

#include "crdt/crdt.hpp"

namespace crdt = octavo::crdt;

namespace {

/// Says what went wrong, and ends.
[[noreturn]] void fail(std::string_view why) {
  std::cerr << why << '\n';
  std::exit(1);
}

template <class T, class Error>
T need(crdt::result<T, Error> made) {
  if (!made) fail(to_string(made.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*made);
}

}  // namespace

int main() {
  // --- editing
  auto ours = crdt::document{};
  auto random = std::random_device{};
  const auto client = std::uint64_t{random()};  // fresh each time that the document is loaded

  auto edit = crdt::edit{ours, client};
  const auto body = need(edit.root("body", crdt::type_kind::text));
  need(edit.insert_text(body, 0, "Dear all"));
  const auto bold = std::vector<crdt::attribute>{{"bold", true}};
  need(edit.format(body, 5, 3, bold));
  const auto settings = need(edit.root("settings", crdt::type_kind::map));
  need(edit.set(settings, "lang", "en"));
  const auto first = need(edit.commit());  // first.update: what a Yjs client would have sent

  // --- two peers
  auto theirs = crdt::document{};
  const auto applied = theirs.apply_v1(first.update);
  if (!applied) fail("the update was refused");

  auto greeting = crdt::edit{theirs, client + 1};
  need(greeting.insert_text(need(greeting.root("body", crdt::type_kind::text)), 8, ","));
  const auto comma = need(greeting.commit());
  auto farewell = crdt::edit{ours, client};
  need(farewell.insert_text(need(farewell.root("body", crdt::type_kind::text)), 0, "> "));
  need(farewell.commit());

  const auto lacking = ours.encode_state_as_update_v1(theirs.state());  // what they lack of ours
  if (!theirs.apply_v1(lacking) || !ours.apply_v1(comma.update)) fail("the update was refused");
  std::cout << ours.text("body") << '\n' << theirs.text("body") << '\n';

  // --- positions that stay
  const auto cursor = ours.relative({.root = "body", .index = 7});
  auto more = crdt::edit{ours, client};
  need(more.insert_text(need(more.root("body", crdt::type_kind::text)), 0, "Re: "));
  need(more.commit());
  std::cout << ours.resolve(cursor.value())->index << '\n';

  // --- reading
  std::cout << ours.delta_json("body") << '\n' << ours.to_json() << '\n' << need(crdt::html(ours, "body"));

  // --- the past
  auto past = crdt::history{};
  auto log = std::vector<octavo::bytes>{first.update, comma.update};
  if (!past.apply(log[0], {.seq = 1, .time_ms = 1'790'000'000'000, .user = "ada"}) ||
      !past.apply(log[1], {.seq = 2, .time_ms = 1'790'000'060'000, .user = "ben"}))
    fail("the log cannot be read");
  auto older = need(past.document_at(1));
  std::cout << older.text("body") << '\n';

  // An edit that was meant for version 1, carried onto the present document.
  auto late = crdt::edit{older, client + 2};
  need(late.insert_text(need(late.root("body", crdt::type_kind::text)), 5, "dear "));
  if (!ours.apply_v1(need(late.commit()).update)) fail("the update was refused");
  std::cout << ours.text("body") << '\n';

  // --- updates without a document
  const auto views = std::vector<octavo::bytes_view>{log[0], log[1]};
  const auto merged = need(crdt::merge_updates(views));
  const auto v2 = need(crdt::convert_update(merged, crdt::update_encoding::v1, crdt::update_encoding::v2));
  std::cout << merged.size() << " bytes, " << v2.size() << " in encoding 2\n";
}
