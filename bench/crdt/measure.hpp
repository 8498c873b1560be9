// What the two programs of bench_crdt share: reading files, and the time that work takes. Time is that of the
// processor, so that a busy machine does little to it.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "crdt/bytes.hpp"

namespace octavo::bench {

inline void check(bool good, const std::string& what) {
  if (good) return;
  std::fprintf(stderr, "bench_crdt: %s\n", what.c_str());
  std::exit(1);
}

inline bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  check(in.good(), "cannot read " + path);
  const std::string content((std::istreambuf_iterator<char>(in)), {});
  const auto view = as_bytes(content);
  return {view.begin(), view.end()};
}

inline void write_file(const std::string& path, bytes_view content) {
  std::ofstream out(path, std::ios::binary);
  const auto text = as_text(content);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.flush();
  check(out.good(), "cannot write " + path);
}

inline double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/// The best of some rounds of `once`, which returns what it took: short work is repeated, of long work one is enough.
template <class Once>
double best_of(Once&& once) {
  constexpr int rounds = 7;
  constexpr double enough_ms = 500;
  const double start = processor_ms();
  double best = once();
  for (int i = 1; i < rounds && processor_ms() - start < enough_ms; ++i) best = std::min(best, once());
  return best;
}

/// The same of work that has nothing to prepare.
template <class Work>
double best_ms(Work&& work) {
  return best_of([&] {
    const double start = processor_ms();
    work();
    return processor_ms() - start;
  });
}

}  // namespace octavo::bench
