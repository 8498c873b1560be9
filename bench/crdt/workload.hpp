// The workloads that octavo's CRDT is compared with others on (bench/run-crdt). Each function prints one line of JSON.
#pragma once

#include <cstdint>
#include <string>

namespace octavo::bench {

/// Applies the updates of a workload (NAME.work, see bench/peers/crdt.mjs), then loads and encodes what came of it, and
/// leaves that state in a file.
void measure_workload(const std::string& path, const std::string& state_path);

/// Makes the edits of one client by position, each a transaction of its own with its update. The file: "WORK1" and a
/// line end, u32 0, u32 1, u32 count, then position, erased and size as u32 and the text, for each edit; little-endian.
void measure_edits(const std::string& path);

/// The same of an update that is a state, which is only loaded and encoded.
void measure_state(const std::string& path, const std::string& state_path);

/// Loads a state as often as it takes to see it in the process's resident memory.
void measure_memory(const std::string& path);

/// Writes the document that comes of one client's editing session done `times` times over: each time in front of what
/// is there, with the clocks that follow.
void repeat_session(const std::string& path, std::uint32_t times, const std::string& out_path);

/// Measures what a peer gets that lacks only the last edit, in documents of so many items.
void measure_catch_up(std::uint32_t items);

}  // namespace octavo::bench
