// A state vector says how much of each client's log somebody has: the number of units, which is also the next clock.
// It is what a peer sends in SyncStep1. A value; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/error.hpp"

namespace octavo::crdt {

class lib0_reader;

/// Client ids with their clocks, sorted by client id, descending (the order in which Yjs writes them). Clients that are
/// absent have clock 0.
class state_vector {
 public:
  struct entry {
    std::uint64_t client = 0;
    std::uint64_t clock = 0;
    friend bool operator==(const entry&, const entry&) = default;
  };

  state_vector() = default;

  /// Takes entries in any order; for a client that occurs twice the last one counts, as in Yjs. Zero clocks are
  /// dropped.
  explicit state_vector(std::vector<entry> entries);

  /// The next clock of a client: how many of its units are known.
  std::uint64_t clock(std::uint64_t client) const;
  /// Sets a client's clock; 0 removes it.
  void set(std::uint64_t client, std::uint64_t clock);

  const std::vector<entry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  friend bool operator==(const state_vector&, const state_vector&) = default;

 private:
  std::vector<entry> entries_;
};

/// Reads an encoded state vector. Errors: truncated, number_too_large, too_many_clients, trailing_bytes.
result<state_vector> decode_state_vector(bytes_view data, std::size_t max_clients = std::size_t{1} << 20);

/// The same out of something longer: leaves the reader behind it.
result<state_vector> read_state_vector(lib0_reader& reader, std::size_t max_clients);

/// Appends the encoded form: count, then (client, clock) in descending order of clients.
void encode_state_vector(const state_vector& state, bytes& out);
bytes encode_state_vector(const state_vector& state);

}  // namespace octavo::crdt
