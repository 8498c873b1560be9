// Asks a document of a test's node by message, as a program that embeds octavo does.
#pragma once

#include <caf/scoped_actor.hpp>
#include <string>

#include "tests/actors/support/test_node.hpp"

namespace octavo::test {

/// Asks an actor of the document for something; the answer, or what is wrong.
template <class T, class... Args>
result<T> ask_document(test_node& node, const std::string& name, Args... args) {
  auto self = caf::scoped_actor{node.system()};
  auto answer = result<T>{fail(errc::internal, "no answer")};
  auto refuse = [&](const caf::error& reason) { answer = tl::unexpected{actors::from_caf(reason)}; };
  auto handle = actors::document_actor{};
  compat::ask(self.ptr(), node->registry(), std::chrono::seconds{30}, actors::document_atom_v, name)
      .receive([&](const actors::document_actor& found) { handle = found; }, refuse);
  if (!handle) return answer;
  compat::ask(self.ptr(), handle, std::chrono::seconds{30}, args...)
      .receive([&](const T& what) { answer = what; }, refuse);
  return answer;
}

inline std::string text_of(const actors::payload& data) {
  return std::string{as_text(data.view())};
}

}  // namespace octavo::test
