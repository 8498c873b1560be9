// Measures crdt/ on recorded editing sessions.
//   bench_crdt FILE…
// FILE.updates (optionally gunzipped beforehand from .updates.gz) is a varuint count and that many length-prefixed
// updates: they are decoded, pruned, encoded and applied one by one, as a server does. Any other file is one update of
// encoding 1: it is loaded, encoded and loaded again. Each figure is the best of several rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/lib0.hpp"
#include "crdt/update.hpp"

namespace {

using namespace octavo;
using clock_type = std::chrono::steady_clock;

constexpr int rounds = 5;

bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(in)), {});
  const auto view = as_bytes(content);
  return {view.begin(), view.end()};
}

template <class Work>
double best_ms(Work&& work) {
  double best = 1e300;
  for (int i = 0; i < rounds; ++i) {
    const auto start = clock_type::now();
    work();
    best = std::min(best, std::chrono::duration<double, std::milli>(clock_type::now() - start).count());
  }
  return best;
}

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

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

void bench_updates(const std::vector<bytes_view>& updates) {
  crdt::decoded_update scratch;
  print("decode", best_ms([&] {
          for (const auto update : updates) check(bool(decode_update_v1(update, scratch)), "decode");
        }),
        updates.size());
  print("decode and apply", best_ms([&] {
          crdt::document document;
          for (const auto update : updates) {
            check(bool(decode_update_v1(update, scratch)), "decode");
            check(bool(document.apply(scratch)), "apply");
          }
        }),
        updates.size());
  crdt::document served;
  print("decode, prune, encode and apply (a server)", best_ms([&] {
          served = crdt::document();
          bytes log;
          for (const auto update : updates) {
            check(bool(decode_update_v1(update, scratch)), "decode");
            served.prune(scratch);
            log.clear();
            encode_update_v1(scratch, log);
            check(bool(served.apply(scratch)), "apply");
          }
        }),
        updates.size());
  print_document(served);
  constexpr std::size_t burst = 100;
  if (updates.size() < burst) return;
  const std::size_t bursts = updates.size() / burst;
  print("merge bursts of 100", best_ms([&] {
          for (std::size_t i = 0; i < bursts; ++i)
            check(bool(crdt::merge_updates(std::span(updates).subspan(i * burst, burst))), "merge");
        }),
        bursts);
}

void bench_state(bytes_view state) {
  crdt::decoded_update scratch;
  print("decode", best_ms([&] { check(bool(decode_update_v1(state, scratch)), "decode"); }), 1);
  print("load", best_ms([&] {
          crdt::document document;
          check(bool(document.apply_v1(state)), "load");
        }),
        1);
  crdt::document document;
  check(bool(document.apply_v1(state)), "load");
  print("encode", best_ms([&] {
          crdt::document copy;
          check(!document.encode_state_as_update_v1().empty(), "encode");
        }),
        1);
  print("encode in chunks of 64 KiB",
        best_ms([&] { check(!document.encode_state_chunks_v1({}, 65536).empty(), "encode"); }), 1);
  print("encode for a peer that has everything",
        best_ms([&] { check(!document.encode_state_as_update_v1(document.state()).empty(), "encode"); }), 1);
  print("text of all roots", best_ms([&] { check(!document.to_json().empty(), "render"); }), 1);
  print_document(document);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_crdt FILE.updates|FILE.v1.bin …\n");
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const bytes content = read_file(path);
    std::printf("%s (%zu B)\n", path.c_str(), content.size());
    if (!path.ends_with(".updates")) {
      bench_state(content);
      continue;
    }
    crdt::lib0_reader reader(content);
    std::uint64_t count = 0;
    check(reader.var_uint(count), "reading");
    std::vector<bytes_view> updates;
    for (std::uint64_t j = 0; j < count; ++j) check(reader.var_bytes(updates.emplace_back()), "reading");
    std::printf("  %zu updates\n", updates.size());
    bench_updates(updates);
  }
}
