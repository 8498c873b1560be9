// What both programs do with a document, wherever it lives: follow it, write at its beginning, and read it.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "actors/caf_compat.hpp"
#include "actors/error.hpp"
#include "actors/follower.hpp"
#include "crdt/document.hpp"

/// In one piece, as the reader and the program may print at the same time.
inline void print(const std::string& line) {
  std::cout << line + '\n' << std::flush;
}

/// Has a copy of the document, and prints its text whenever that changes.
using reader_actor = caf::typed_actor<
    // INTERNAL: from the follower.
    caf::result<void>(octavo::actors::document_burst),
    // Answered once everything up to this sequence number is printed.
    caf::result<void>(std::uint64_t)>;

inline reader_actor::behavior_type reader(reader_actor::pointer self) {
  struct state {
    octavo::crdt::document copy;
    std::uint64_t seq = 0;
    std::multimap<std::uint64_t, caf::typed_response_promise<void>> waiting;
  };
  auto here = std::make_shared<state>();
  return {
      [here](const octavo::actors::document_burst& burst) {
        if (burst.update.empty()) return;
        if (here->copy.apply_v1(burst.update.view())) print(std::to_string(burst.seq) + ": " + here->copy.text("text"));
        here->seq = burst.seq;
        const auto end = here->waiting.upper_bound(here->seq);
        for (auto one = here->waiting.begin(); one != end; ++one) one->second.deliver();
        here->waiting.erase(here->waiting.begin(), end);
      },
      [here, self](std::uint64_t seq) -> caf::result<void> {
        if (seq <= here->seq) return caf::unit;
        return here->waiting.emplace(seq, self->make_response_promise<void>())->second;
      },
  };
}

/// Writes the standard input, line by line, at the beginning of the document's text, and prints that after each edit of
/// anybody; then the document as JSON. What the program is to end with.
inline int converse(caf::actor_system& system, const octavo::actors::directory_actor& directory,
                    const std::string& name, const std::string& author) {
  using namespace octavo;
  constexpr auto timeout = std::chrono::seconds{30};
  const auto printer = system.spawn(reader);
  const auto document = actors::spawn_follower(system, directory, name, printer, {});
  auto self = caf::scoped_actor{system};
  auto status = 0;
  const auto failed = [&](const caf::error& why) {
    std::cerr << actors::from_caf(why).message << '\n';
    status = 1;
  };
  for (auto line = std::string{}; status == 0 && std::getline(std::cin, line);) {
    auto what = actors::edit_operation{};
    what.kind = actors::edit_kind::insert_text;
    what.target.root = "text";
    what.text = line;
    // The answer says that the edit is durable. The same edit comes to the reader with the document's next burst, which
    // goes by way of the follower and is later: whoever wants both waits for both.
    auto seq = std::uint64_t{0};
    compat::ask(self.ptr(), document, timeout, actors::edit_atom_v, actors::server_edit{author, {what}})
        .receive([&](std::uint64_t durable) { seq = durable; }, failed);
    compat::ask(self.ptr(), printer, timeout, seq).receive([] {}, failed);
  }
  // What an answer shows is durable, too: in a cluster, on the disks of a majority.
  compat::ask(self.ptr(), document, timeout, actors::read_atom_v, actors::read_request{actors::read_format::json, {}})
      .receive([](const actors::payload& json) { print(std::string{as_text(json.view())}); }, failed);
  compat::end(document);
  return status;
}
