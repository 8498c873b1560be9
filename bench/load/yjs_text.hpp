// The little of Yjs that a load generator needs, on purpose not the server's own code: making updates that type into
// one shared text, and reading from a received update which clocks of which clients it brings. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/bytes.hpp"

namespace octavo::bench {

/// One run of a client's clocks: [clock, clock + length).
struct clock_run {
  std::uint64_t client;
  std::uint64_t clock;
  std::uint64_t length;
};

void append_varuint(bytes& out, std::uint64_t value);
void append_buffer(bytes& out, bytes_view data);

/// Reads bytes in order; after the first read beyond the end `ok()` is false and all reads give zero.
class byte_reader {
 public:
  explicit byte_reader(bytes_view data) : data_(data) {}
  bool ok() const { return ok_; }
  bool at_end() const { return position_ == data_.size(); }
  std::uint8_t byte();
  std::uint64_t varuint();
  bytes_view take(std::uint64_t size);
  /// A length and so many bytes.
  bytes_view buffer() { return take(varuint()); }

 private:
  bytes_view data_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

/// The update (encoding v1) with which `client` types `text` (ASCII) after its own last character, or as its first
/// words into the root text "text" when `clock` is 0.
bytes make_typing(std::uint64_t client, std::uint64_t clock, std::string_view text);

/// The update that changes nothing.
bytes make_empty_update();

/// The state vector that knows `clock` clocks of one client; an empty one when `clock` is 0.
bytes make_state_vector(std::uint64_t client, std::uint64_t clock);

/// How many clocks of `client` the state vector knows.
std::uint64_t clocks_known(bytes_view state_vector, std::uint64_t client);

/// Calls `visit(clock_run)` for each run of structs in an update (encoding v1). Returns false for an update that is
/// malformed or holds other content than text, as nothing here writes any. Deletes are not visited.
template <typename Visit>
bool visit_runs(bytes_view update, Visit&& visit);

/// Reads one struct; returns its length in clocks, and whether it is a hole in the update (a Skip). 0 on an error.
std::uint64_t read_struct(byte_reader& in, bool& is_hole);

template <typename Visit>
bool visit_runs(bytes_view update, Visit&& visit) {
  byte_reader in(update);
  auto blocks = in.varuint();
  for (; blocks > 0 && in.ok(); --blocks) {
    auto structs = in.varuint();
    clock_run run{in.varuint(), in.varuint(), 0};
    for (; structs > 0 && in.ok(); --structs) {
      bool is_hole = false;
      const auto length = read_struct(in, is_hole);
      if (length == 0) return false;
      if (is_hole) {
        if (run.length > 0) visit(run);
        run.clock += run.length + length;
        run.length = 0;
      } else {
        run.length += length;
      }
    }
    if (in.ok() && run.length > 0) visit(run);
  }
  return in.ok();
}

}  // namespace octavo::bench
