#include "cluster/load_meter.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>

namespace octavo::cluster {

namespace {

constexpr auto intervals = 3.0;

}  // namespace

void load_meter::begin(shard_number which, std::int64_t now_ms, double cores_elsewhere) {
  auto& one = shards_[which];
  one = {cores_elsewhere, 0, now_ms};
  cores_used_ = std::min(cores_, cores_used_ + cores_elsewhere);
}

void load_meter::add(shard_number which, std::uint64_t busy_us, std::uint64_t bytes) {
  auto& one = since_[which];
  one.busy_us += busy_us;
  one.bytes += bytes;
}

bool load_meter::tick(std::int64_t now_ms, std::uint64_t process_us) {
  if (ticked_ms_ == 0) {
    ticked_ms_ = now_ms;
    process_us_ = process_us;
    return false;
  }
  const auto passed_ms = now_ms - ticked_ms_;
  if (passed_ms < interval_ms_) return false;
  const auto passed_s = static_cast<double>(passed_ms) / 1e3;
  const auto weight = 1 - std::exp(-static_cast<double>(passed_ms) / (intervals * static_cast<double>(interval_ms_)));
  auto move = [&](double& average, double value) { average += weight * (value - average); };
  const auto used_us = process_us - std::min(process_us, process_us_);
  move(cores_used_, std::min(cores_, static_cast<double>(used_us) / 1e6 / passed_s));
  for (auto& [which, one] : shards_) {
    const auto found = since_.find(which);
    const auto done = found == since_.end() ? work{} : found->second;
    move(one.cores, static_cast<double>(done.busy_us) / 1e6 / passed_s);
    move(one.bytes_per_s, static_cast<double>(done.bytes) / passed_s);
  }
  since_.clear();
  ticked_ms_ = now_ms;
  process_us_ = process_us;
  return true;
}

void load_meter::leaves(shard_number which) {
  auto found = shards_.find(which);
  if (found == shards_.end()) return;
  cores_used_ = std::max(0.0, cores_used_ - found->second.cores);
  found->second.cores = 0;
}

std::uint64_t process_cpu_us() {
  auto usage = rusage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  auto us_of = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
  };
  return us_of(usage.ru_utime) + us_of(usage.ru_stime);
}

}  // namespace octavo::cluster
