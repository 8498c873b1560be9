#include "workload.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/edit.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/lib0.hpp"
#include "crdt/update.hpp"
#include "measure.hpp"

namespace octavo::bench {

namespace {

// For states that are larger than any one message may be.
crdt::document load(bytes_view state) {
  crdt::document document;
  check(bool(document.apply_stored_v1(state)), "a state could not be loaded");
  return document;
}

void apply_all(crdt::document& to, std::span<const bytes_view> updates) {
  crdt::decoded_update scratch;
  for (const auto update : updates) {
    check(bool(decode_update_v1(update, scratch)), "an update could not be decoded");
    check(bool(to.apply(scratch)), "an update could not be applied");
  }
}

void print_state(const crdt::document& document, const std::string& state_path) {
  const bytes state = document.encode_state_as_update_v1();
  write_file(state_path, state);
  const auto stats = document.stats();
  const double load_ms = best_of([&] {
    const double start = processor_ms();
    const auto loaded = load(state);
    return processor_ms() - start;
  });
  const double open_ms = best_ms([&] { check(!load(state).to_json().empty(), "nothing could be read"); });
  const auto loaded = load(state);
  std::printf(R"("doc_bytes":%zu,"load_ms":%.4f,"open_ms":%.4f,)", state.size(), load_ms, open_ms);
  std::printf(R"("encode_ms":%.4f,)", best_ms([&] { check(!loaded.encode_state_as_update_v1().empty(), "encode"); }));
  std::size_t v2_bytes = 0;
  std::printf(R"("encode_v2_ms":%.4f,)", best_ms([&] { v2_bytes = loaded.encode_state_as_update_v2().size(); }));
  std::printf(R"("doc_v2_bytes":%zu,"memory_bytes":%zu,"live_memory_bytes":%zu,"structs":%zu})", v2_bytes,
              loaded.stats().memory_bytes, stats.memory_bytes, stats.structs);
  std::printf("\n");
}

// The last edit that a peer can lack, behind the text of its client, or the only one of it.
bytes one_edit(std::uint64_t client, std::uint32_t clock) {
  bytes update;
  crdt::lib0_writer writer(update);
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{1}, client, std::uint64_t{clock}})
    writer.var_uint(number);
  writer.u8(clock == 0 ? 0x04 : 0x84);
  if (clock == 0) {
    writer.u8(1);
    writer.var_string("text");
  } else {
    writer.var_uint(client);
    writer.var_uint(clock - 1);
  }
  writer.var_string("x");
  writer.var_uint(0);
  return update;
}

// Items of one unit that do not join: each client writes a text and an embed in turn, one behind the other; every third
// is deleted if deletes are wanted.
crdt::document many_items(std::uint32_t items, std::uint32_t clients, bool deletes) {
  crdt::decoded_update update;
  std::vector<std::uint32_t> clocks(clients);
  const crdt::decoded_parent root{crdt::none, 0, "text", false, {}};
  for (std::uint32_t i = 0; i < items; ++i) {
    const std::uint32_t number = i % clients;
    crdt::decoded_struct next;
    next.client = update.intern(1000 + number);
    next.clock = clocks[number];
    next.length = 1;
    next.kind = next.clock % 2 == 0 ? crdt::content_kind::string : crdt::content_kind::embed;
    next.content = next.clock % 2 == 0 ? "x" : "1";
    if (next.clock != 0) {
      next.origin_client = next.client;
      next.origin_clock = next.clock - 1;
    }
    clocks[number] += 1;
    update.add_struct(next, next.clock == 0 ? &root : nullptr);
    if (deletes && i % 3 == 0) update.add_delete({next.client, next.clock, 1});
  }
  update.normalize();
  crdt::document_options options;
  options.step_budget = UINT64_MAX;
  crdt::document document(options);
  check(bool(document.apply(update)), "the items could not be applied");
  return document;
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t pages = 0;
  in >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void measure_workload(const std::string& path, const std::string& state_path) {
  const bytes content = read_file(path);
  crdt::lib0_reader reader(content);
  std::uint64_t before_count = 0;
  std::uint64_t count = 0;
  check(reader.var_uint(before_count) && reader.var_uint(count), path + " is no workload");
  std::vector<bytes_view> before;
  std::vector<bytes_view> updates;
  for (std::uint64_t i = 0; i < before_count + count; ++i)
    check(reader.var_bytes((i < before_count ? before : updates).emplace_back()), path + " ends too early");
  std::size_t update_bytes = 0;
  for (const auto update : updates) update_bytes += update.size();

  crdt::document document;
  const double remote_ms = best_of([&] {
    document = crdt::document();
    apply_all(document, before);
    const double start = processor_ms();
    apply_all(document, updates);
    return processor_ms() - start;
  });
  std::printf(R"({"engine":"octavo","remote_ms":%.4f,"updates":%zu,"update_bytes":%zu,)", remote_ms, updates.size(),
              update_bytes);
  print_state(document, state_path);
}

void measure_edits(const std::string& path) {
  const bytes content = read_file(path);
  struct operation {
    std::uint32_t position = 0;
    std::uint32_t erased = 0;
    std::string_view inserted;
  };
  std::vector<operation> operations;
  constexpr std::size_t title_bytes = 6;  // "WORK1" and a line end
  std::size_t at = title_bytes;
  const auto number = [&] {
    std::uint32_t out = 0;
    check(at + sizeof(out) <= content.size(), path + " ends too early");
    std::memcpy(&out, content.data() + at, sizeof(out));
    at += sizeof(out);
    return out;
  };
  const auto text = [&](std::uint32_t size) {
    check(at + size <= content.size(), path + " ends too early");
    at += size;
    return as_text(bytes_view(content)).substr(at - size, size);
  };
  check(number() == 0, path + " does not begin with an empty text");
  check(number() == 1, path + " has more than one client");
  const auto count = number();
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& next = operations.emplace_back();
    next.position = number();
    next.erased = number();
    next.inserted = text(number());
  }
  std::size_t update_bytes = 0;
  crdt::document document;
  const double ms = best_of([&] {
    document = crdt::document();
    update_bytes = 0;
    const double start = processor_ms();
    for (const auto& each : operations) {
      crdt::edit edit(document, 1);
      const auto body = edit.root("text", crdt::type_kind::text);
      check(body && edit.erase(*body, each.position, each.erased) &&
                edit.insert_text(*body, each.position, each.inserted),
            "an edit was refused");
      auto done = edit.commit();
      check(bool(done), "an edit could not be finished");
      update_bytes += done->update.size();
    }
    return processor_ms() - start;
  });
  std::printf(R"({"engine":"octavo","local_ms":%.4f,"edits":%zu,"update_bytes":%zu,"length":%llu,"memory_bytes":%zu})"
              "\n",
              ms, operations.size(), update_bytes, static_cast<unsigned long long>(document.length("text")),
              document.stats().memory_bytes);
}

void measure_state(const std::string& path, const std::string& state_path) {
  const bytes state = read_file(path);
  const auto document = load(state);
  std::printf(R"({"engine":"octavo",)");
  print_state(document, state_path);
}

void measure_memory(const std::string& path) {
  const bytes state = read_file(path);
  // As bench/peers/crdt.mjs does it.
  const std::size_t copies = std::clamp<std::size_t>(3'000'000 / (state.size() + 1000), 1, 300);
  load(crdt::document().encode_state_as_update_v1());
  malloc_trim(0);
  const std::size_t before = resident_bytes();
  std::vector<crdt::document> kept;
  kept.reserve(copies);
  for (std::size_t i = 0; i < copies; ++i) kept.push_back(load(state));
  malloc_trim(0);
  const std::size_t after = resident_bytes();
  std::printf(R"({"engine":"octavo","copies":%zu,"rss_bytes":%zu,"memory_bytes":%zu})", copies,
              (after - std::min(after, before)) / copies, kept.front().stats().memory_bytes);
  std::printf("\n");
}

void repeat_session(const std::string& path, std::uint32_t times, const std::string& out_path) {
  const bytes state = read_file(path);
  crdt::decoded_update once;
  check(bool(decode_update_v1(state, once, crdt::no_limits)), path + " is no update");
  check(once.blocks().size() == 1, path + " is not the session of one client");
  const auto structs = once.structs();
  const std::uint32_t length = structs.back().end();
  check(structs.front().clock == 0 && length <= UINT32_MAX / times, path + " is not a whole session, or too long");
  crdt::decoded_update all;
  const auto client = all.intern(once.client_id(once.blocks()[0].client));
  // What comes first in the list when a session begins; what a session inserts at the end of its own text goes there.
  std::uint32_t first_of_list = 0;
  for (std::uint32_t i = 0; i < times; ++i) {
    const std::uint32_t shift = i * length;
    std::uint32_t next_first = shift;
    for (auto each : structs) {
      each.client = client;
      each.clock += shift;
      if (each.kind == crdt::content_kind::gc) {
        all.add_struct(each);
        continue;
      }
      const bool at_start = !each.has_origin();
      const auto* parent = each.parent == crdt::none ? nullptr : &once.parents()[each.parent];
      if (each.has_origin()) {
        each.origin_client = client;
        each.origin_clock += shift;
      }
      if (each.has_right()) {
        each.right_client = client;
        each.right_clock += shift;
      } else if (i != 0) {
        each.right_client = client;
        each.right_clock = first_of_list;
        parent = nullptr;
      }
      each.parent = crdt::none;
      if (at_start) next_first = each.clock;
      all.add_struct(each, parent);
    }
    for (auto range : once.deletes()) {
      range.client = client;
      range.clock += shift;
      all.add_delete(range);
    }
    first_of_list = next_first;
  }
  all.normalize();
  crdt::document_options options;
  options.step_budget = UINT64_MAX;
  crdt::document document(options);
  check(bool(document.apply(all)), "the repeated session could not be applied");
  write_file(out_path, document.encode_state_as_update_v1());
}

void measure_catch_up(std::uint32_t items) {
  for (const std::uint32_t clients : {1U, 10'000U}) {
    for (const bool deletes : {false, true}) {
      auto document = many_items(items, clients, deletes);
      const auto before = document.state();
      const std::uint64_t client = 1000 + clients / 2;
      check(bool(document.apply_v1(one_edit(client, document.clock(client)))), "the edit could not be applied");
      bytes answer;
      const double first_us = 1e3 * [&] {
        const double start = processor_ms();
        answer = document.encode_state_as_update_v1(before);
        return processor_ms() - start;
      }();
      constexpr int repeats = 50;
      const auto each_us = [&](auto&& work) {
        return 1e3 / repeats * best_ms([&] {
                 for (int i = 0; i < repeats; ++i) work();
               });
      };
      const double answer_us = each_us([&] { answer = document.encode_state_as_update_v1(before); });
      const double answer_v2_us = each_us([&] { document.encode_state_as_update_v2(before); });
      const double vector_us = each_us([&] { document.encode_state_vector(); });
      const double stats_us = each_us([&] { document.stats(); });
      // Each delete makes the next one to join wait for the delete set.
      std::uint32_t deleted = 0;
      const double after_delete_us =
          1e3 * best_of([&] {
            bytes update;
            crdt::lib0_writer writer(update);
            for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, client, std::uint64_t{1}})
              writer.var_uint(number);
            writer.var_uint(3 * deleted++ + 1);
            writer.var_uint(1);
            check(bool(document.apply_v1(update)), "a delete could not be applied");
            const double start = processor_ms();
            document.encode_state_as_update_v1(before);
            return processor_ms() - start;
          });
      std::printf(R"({"items":%zu,"clients":%zu,"deletes":%s,"first_us":%.2f,"answer_us":%.2f,"answer_v2_us":%.2f,)",
                  document.stats().items, document.stats().clients, deletes ? "true" : "false", first_us, answer_us,
                  answer_v2_us);
      std::printf(R"("answer_bytes":%zu,"state_vector_us":%.2f,"stats_us":%.2f,"after_delete_us":%.2f})", answer.size(),
                  vector_us, stats_us, after_delete_us);
      std::printf("\n");
    }
  }
}

}  // namespace octavo::bench
