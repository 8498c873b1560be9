// Every error has a text of its own, which says what is the matter.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "crdt/edit.hpp"
#include "crdt/error.hpp"
#include "crdt/history.hpp"
#include "crdt/snapshot.hpp"

namespace {

using namespace octavo;
using crdt::to_string;

// The texts of an enumeration whose last enumerator is `last`, and of a number that is none.
template <class Code>
void check_texts(Code last) {
  std::set<std::string> texts;
  const auto count = static_cast<std::size_t>(last) + 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text(to_string(static_cast<Code>(i)));
    CAPTURE(i);
    CHECK(text.size() > 8);
    CHECK(text != "unknown error");
    texts.insert(text);
  }
  CHECK(texts.size() == count);
  CHECK(to_string(static_cast<Code>(count)) == "unknown error");
}

TEST_CASE("every error has a text of its own") {
  check_texts(crdt::decode_errc::bad_header);
  check_texts(crdt::apply_errc::edit_open);
  check_texts(crdt::edit_errc::not_open);
  check_texts(crdt::history_errc::too_large);
  check_texts(crdt::snapshot_errc::does_not_fit);
}

TEST_CASE("an error of a history says what is wrong with the update") {
  using crdt::history_errc;
  using crdt::history_error;
  CHECK(to_string(history_error{history_errc::undecodable, crdt::decode_error{crdt::decode_errc::truncated, 7}, {}})
            .find("7") != std::string::npos);
  const auto refused = to_string(history_error{history_errc::refused_update, {}, crdt::apply_errc::document_full});
  CHECK(refused.find(to_string(crdt::apply_errc::document_full)) != std::string::npos);
}

TEST_CASE("an error tells whether the document is as before") {
  using crdt::apply_errc;
  for (const auto code : {apply_errc::too_many_clients, apply_errc::too_many_names, apply_errc::pending_full,
                          apply_errc::type_too_deep, apply_errc::edit_open})
    CHECK(crdt::leaves_unchanged(code));
  for (const auto code : {apply_errc::step_budget_exceeded, apply_errc::document_full, apply_errc::unusable})
    CHECK_FALSE(crdt::leaves_unchanged(code));
}

}  // namespace
