// The encoded delete set of a document, which everyone who joins gets. It is kept between the times that it is asked
// for; what was deleted since is merged into it then, so that an answer costs what its bytes cost and not a walk over
// everything that was ever written.
#pragma once

#include <cstdint>
#include <vector>

#include "crdt/bytes.hpp"
#include "crdt/internal/transaction.hpp"

namespace octavo::crdt::internal {

class kept_deletes {
 public:
  /// Takes note of what a transaction has deleted that is done.
  void note(const deleted_notes& of) {
    if (known_) since_.add_all(of);
  }

  const bytes& v1(const store& data);
  /// Made when it is first asked for, which most servers never do.
  const bytes& v2(const store& data);

  std::size_t memory() const { return v1_.capacity() + v2_.capacity() + since_.memory(); }

 private:
  bytes v1_;
  bytes v2_;  // of v1_, or empty
  bool known_ = false;
  deleted_notes since_;
};

}  // namespace octavo::crdt::internal
