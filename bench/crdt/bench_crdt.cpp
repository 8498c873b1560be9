// Measures crdt/.
//   bench_crdt FILE…                              recorded editing sessions, see below
//   bench_crdt --workload FILE.work STATE         one workload of bench/run-crdt; leaves the state that it ends with
//   bench_crdt --state FILE STATE                 the same of a document that is there
//   bench_crdt --memory STATE                     what a loaded document takes
//   bench_crdt --repeat TIMES FILE OUT            the state of one client's session, done so many times over
//   bench_crdt --catch-up ITEMS                   answering a peer that lacks the last edit
//   bench_crdt --rich RUNS                        rich text beside plain text
//
// FILE.updates (optionally gunzipped beforehand from .updates.gz) is a varuint count and that many length-prefixed
// updates: they are decoded, pruned, encoded and applied one by one, as a server does. Any other file is one update of
// encoding 1: it is loaded, encoded and loaded again. Each figure is the best of several rounds.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/lib0.hpp"
#include "crdt/update.hpp"
#include "measure.hpp"
#include "rich.hpp"
#include "workload.hpp"

namespace {

using namespace octavo;
using namespace octavo::bench;

void print(const char* what, double ms, std::size_t count) {
  std::printf("  %-44s %9.2f ms", what, ms);
  if (count > 1) std::printf("  %8.0f ns each", ms * 1e6 / static_cast<double>(count));
  std::printf("\n");
}

void print_document(const crdt::document& document) {
  const auto stats = document.stats();
  std::printf("  structs %zu, items %zu, clients %zu, content %zu B, memory %.3f MB, state %zu B\n", stats.structs,
              stats.items, stats.clients, stats.content_bytes, static_cast<double>(stats.memory_bytes) / 1e6,
              document.encode_state_as_update_v1().size());
}

void bench_updates(const std::vector<bytes_view>& updates) {
  crdt::decoded_update scratch;
  print("decode", best_ms([&] {
          for (const auto update : updates) check(bool(decode_update_v1(update, scratch)), "decoding failed");
        }),
        updates.size());
  print("decode and apply", best_ms([&] {
          crdt::document document;
          for (const auto update : updates) {
            check(bool(decode_update_v1(update, scratch)), "decoding failed");
            check(bool(document.apply(scratch)), "applying failed");
          }
        }),
        updates.size());
  crdt::document served;
  print("decode, prune, encode and apply (a server)", best_ms([&] {
          served = crdt::document();
          bytes log;
          for (const auto update : updates) {
            check(bool(decode_update_v1(update, scratch)), "decoding failed");
            served.prune(scratch);
            log.clear();
            encode_update_v1(scratch, log);
            check(bool(served.apply(scratch)), "applying failed");
          }
        }),
        updates.size());
  print_document(served);
  constexpr std::size_t burst = 100;
  if (updates.size() < burst) return;
  const std::size_t bursts = updates.size() / burst;
  print("merge bursts of 100", best_ms([&] {
          for (std::size_t i = 0; i < bursts; ++i)
            check(bool(crdt::merge_updates(std::span(updates).subspan(i * burst, burst))), "merging failed");
        }),
        bursts);
}

void bench_state(bytes_view state) {
  crdt::decoded_update scratch;
  print("decode", best_ms([&] { check(bool(decode_update_v1(state, scratch)), "decoding failed"); }), 1);
  print("load", best_ms([&] {
          crdt::document document;
          check(bool(document.apply_v1(state)), "loading failed");
        }),
        1);
  print("load a state of our own", best_ms([&] {
          crdt::document document;
          check(bool(document.apply_stored_v1(state)), "loading failed");
        }),
        1);
  crdt::document document;
  check(bool(document.apply_v1(state)), "loading failed");
  print("encode", best_ms([&] { check(!document.encode_state_as_update_v1().empty(), "encoding failed"); }), 1);
  print("encode in encoding 2",
        best_ms([&] { check(!document.encode_state_as_update_v2().empty(), "encoding failed"); }), 1);
  print("encode in chunks of 64 KiB",
        best_ms([&] { check(!document.encode_state_chunks_v1({}, 65536).empty(), "encoding failed"); }), 1);
  print("encode for a peer that has everything",
        best_ms([&] { check(!document.encode_state_as_update_v1(document.state()).empty(), "encoding failed"); }), 1);
  print("text of all roots", best_ms([&] { check(!document.to_json().empty(), "rendering failed"); }), 1);
  print_document(document);
}

void bench_file(const std::string& path) {
  const bytes content = read_file(path);
  std::printf("%s (%zu B)\n", path.c_str(), content.size());
  if (!path.ends_with(".updates")) return bench_state(content);
  crdt::lib0_reader reader(content);
  std::uint64_t count = 0;
  check(reader.var_uint(count), path + " is cut short");
  std::vector<bytes_view> updates;
  for (std::uint64_t j = 0; j < count; ++j) check(reader.var_bytes(updates.emplace_back()), path + " is cut short");
  std::printf("  %zu updates\n", updates.size());
  bench_updates(updates);
}

// Freed memory stays with the process, as a JavaScript engine has it too: otherwise the first touch of each page, which
// is dear on virtual machines, would be counted in some rounds and not in others.
void keep_memory() {
  constexpr int much = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, much);
  mallopt(M_TRIM_THRESHOLD, much);
}

std::uint32_t number_of(const std::string& text) {
  const unsigned long number = std::strtoul(text.c_str(), nullptr, 10);
  check(number > 0 && number <= 100'000'000, text + " is not a number from 1 to 100,000,000");
  return static_cast<std::uint32_t>(number);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode != "--memory") keep_memory();
  const auto is = [&](const char* name, std::size_t count) { return mode == name && arguments.size() == count + 1; };
  if (is("--workload", 2)) {
    measure_workload(arguments[1], arguments[2]);
  } else if (is("--state", 2)) {
    measure_state(arguments[1], arguments[2]);
  } else if (is("--edits", 1)) {
    measure_edits(arguments[1]);
  } else if (is("--memory", 1)) {
    measure_memory(arguments[1]);
  } else if (is("--repeat", 3)) {
    repeat_session(arguments[2], number_of(arguments[1]), arguments[3]);
  } else if (is("--catch-up", 1)) {
    measure_catch_up(number_of(arguments[1]));
  } else if (is("--rich", 1)) {
    measure_rich(number_of(arguments[1]));
  } else if (mode.empty() || mode.starts_with("--")) {
    std::fprintf(stderr,
                 "usage: bench_crdt FILE.updates|FILE.v1.bin …\n"
                 "       bench_crdt --workload FILE.work STATE | --state FILE STATE | --memory STATE\n"
                 "                | --edits FILE.work | --repeat TIMES FILE OUT | --catch-up ITEMS\n"
                 "                | --rich RUNS\n");
    return 2;
  } else {
    for (const auto& path : arguments) bench_file(path);
  }
}
