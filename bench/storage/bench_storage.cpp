// Measures the store alone: commits a second by group size with and without syncs, and how long a document of very many
// small updates takes to load. `bench_storage [folder]` works in a new folder below the one given (default: the current
// one), since a figure for a disk must come from that disk.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/store.hpp"

namespace {

using namespace octavo;
using namespace octavo::storage;
using clock_type = std::chrono::steady_clock;

constexpr double seconds_per_case = 3;
constexpr std::size_t update_bytes = 40;
constexpr std::uint64_t load_records = 260'000;
constexpr std::uint64_t many_documents = 200'000;

double seconds_since(clock_type::time_point begin) {
  return std::chrono::duration<double>(clock_type::now() - begin).count();
}

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "bench_storage: %s\n", message.c_str());
  std::exit(1);
}

template <class T>
T must(result<T> outcome) {
  if (!outcome) die(outcome.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

long peak_memory_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

// Of all threads; unlike the times on the clock it hardly depends on what else the machine does.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::unique_ptr<store> open(const std::filesystem::path& path, sync_mode mode) {
  store_options options;
  options.path = path;
  options.sync = mode;
  return must(store::open(options));
}

// Groups of `group` updates, each to another document.
void bench_commits(const std::filesystem::path& folder, sync_mode mode, std::size_t group) {
  const auto store =
      open(folder / ("commits-" + std::to_string(static_cast<int>(mode)) + "-" + std::to_string(group)), mode);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < group; ++i) names.push_back("document-" + std::to_string(i));
  const std::string update(update_bytes, 'u');
  std::vector<append> appends;
  for (const auto& name : names) appends.push_back({name, 0, 1'700'000'000'000, "ann", as_bytes(update)});
  std::vector<double> times_ms;
  const auto cpu_before = cpu_seconds();
  const auto begin = clock_type::now();
  while (seconds_since(begin) < seconds_per_case) {
    for (auto& item : appends) ++item.seq;
    const auto started = clock_type::now();
    must(store->commit(appends));
    times_ms.push_back(seconds_since(started) * 1000);
  }
  const auto elapsed = seconds_since(begin);
  const auto cpu_us = (cpu_seconds() - cpu_before) * 1e6 / double(times_ms.size() * group);
  std::sort(times_ms.begin(), times_ms.end());
  const auto at = [&](double part) { return times_ms[static_cast<std::size_t>(part * double(times_ms.size() - 1))]; };
  std::printf("%-8s %6zu %12.0f %14.0f %9.3f %9.3f %14.2f\n", mode == sync_mode::always ? "always" : "os", group,
              double(times_ms.size()) / elapsed, double(times_ms.size() * group) / elapsed, at(0.5), at(0.99), cpu_us);
}

void bench_load(const std::filesystem::path& folder) {
  const auto path = folder / "load";
  const std::string update(20, 'u');
  {
    const auto store = open(path, sync_mode::os);
    const auto begin = clock_type::now();
    std::vector<append> group;
    for (std::uint64_t seq = 1; seq <= load_records; ++seq) {
      group.push_back({"trace", seq, 1'700'000'000'000, "ann", as_bytes(update)});
      if (group.size() == 1000 || seq == load_records) {
        must(store->commit(group));
        group.clear();
      }
    }
    std::printf("wrote %llu updates in groups of 1000: %.2f s\n", static_cast<unsigned long long>(load_records),
                seconds_since(begin));
  }
  const auto opening = clock_type::now();
  const auto store = open(path, sync_mode::always);
  std::printf("open: %.0f ms\n", seconds_since(opening) * 1000);
  for (const char* which : {"first", "second"}) {
    std::uint64_t bytes = 0;
    load_visitor visitor;
    visitor.on_record = [&](std::uint64_t, std::int64_t, std::string_view, bytes_view view) -> result<void> {
      bytes += view.size();
      return {};
    };
    const auto cpu_before = cpu_seconds();
    const auto begin = clock_type::now();
    must(store->load("trace", visitor));
    std::printf("%s load: %.0f ms, %.0f ms of CPU (%llu bytes)\n", which, seconds_since(begin) * 1000,
                (cpu_seconds() - cpu_before) * 1000, static_cast<unsigned long long>(bytes));
  }
}

// Opening and finding must not depend on how many documents there are.
void bench_many(const std::filesystem::path& folder) {
  const auto path = folder / "many";
  const std::string update(20, 'u');
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < many_documents; ++i) names.push_back("team/document-" + std::to_string(i * 7919));
  {
    const auto store = open(path, sync_mode::os);
    std::vector<append> group;
    for (const auto& name : names) {
      group.push_back({name, 1, 1'700'000'000'000, "ann", as_bytes(update)});
      if (group.size() == 1000 || &name == &names.back()) {
        must(store->commit(group));
        group.clear();
      }
    }
  }
  const auto opening = clock_type::now();
  const auto store = open(path, sync_mode::always);
  std::printf("open with %zu documents: %.0f ms\n", names.size(), seconds_since(opening) * 1000);
  const auto cpu_before = cpu_seconds();
  const auto begin = clock_type::now();
  constexpr std::size_t finds = 20'000;
  for (std::size_t i = 0; i < finds; ++i) {
    if (!must(store->find(names[i * 104'729 % names.size()]))) die("a document is missing");
  }
  std::printf("find: %.1f us, %.1f us of CPU\n", seconds_since(begin) * 1e6 / finds,
              (cpu_seconds() - cpu_before) * 1e6 / finds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path parent = argc > 1 ? argv[1] : ".";
  const auto folder = parent / ("bench-storage-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::printf("%-8s %6s %12s %14s %9s %9s %14s\n", "sync", "group", "commits/s", "updates/s", "p50 ms", "p99 ms",
              "cpu us/update");
  for (const auto mode : {sync_mode::always, sync_mode::os}) {
    for (const std::size_t group : {1, 10, 100, 1000}) bench_commits(folder, mode, group);
  }
  bench_load(folder);
  bench_many(folder);
  std::printf("peak memory: %ld MiB\n", peak_memory_mib());
  std::filesystem::remove_all(folder);
}
