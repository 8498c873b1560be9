// A program's way to one document, wherever that lives and however often it moves: it finds the document's actor, joins
// it, hands its edits to a reader in order, and when the document goes to another node, or its node is gone, finds it
// again and asks for what the reader lacks. Edits that had no answer then are asked for again, and done once.
//
//   auto follower = spawn_follower(system, directory, "notes", reader, {});
//   ask(follower, edit_atom_v, server_edit{…})            // answered with the sequence number, once it is durable
//
// What goes to the reader are document_bursts with `update`, `seq` and `presence`: first all that the document holds,
// then each edit. An update may come twice, and is never left out; a reader that has a copy of the document applies it
// (crdt::document::apply_v1). A reader that is slow gets larger updates and not more of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "actors/interfaces.hpp"

namespace octavo::actors {

struct follower_options {
  std::int64_t locate_ms = 10'000;           ///< nobody has the document for so long: the follower gives up
  std::int64_t read_ms = 60'000;             ///< the reader must take in a burst within this time
  std::size_t edits_max = 1'024;             ///< that wait for the one before them; more get errc::limit_exceeded
  std::size_t credit_step_bytes = 1u << 20;  ///< see relay_options
};

using follower_actor = caf::typed_actor<
    // INTERNAL: from the document.
    caf::result<void>(document_burst),
    // Edits the document; `as_of` must be the present. Answered as document_actor's. In the order in which they come.
    caf::result<std::uint64_t>(edit_atom, server_edit),
    // The document in a form. Asked again where the document has gone meanwhile.
    caf::result<payload>(read_atom, read_request)>;

/// Ends, with the reason, when the document is deleted or cannot be opened, when nobody has it for too long, and when
/// the reader ends or does not read. Without a reader (an empty handle) it only edits and reads.
follower_actor spawn_follower(caf::actor_system& system, directory_actor directory, std::string document,
                              subscriber_actor reader, follower_options options);

}  // namespace octavo::actors
