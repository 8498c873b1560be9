// Answers what is asked of documents' past, from the store: it reads logs and builds versions, which may take long, and
// so runs detached. A node has two: one for what is read, and one for what becomes an edit, which should not wait for
// that. Requests wait in the mailbox: document_options::look_backs_max of a document and look_backs_node_max of all;
// none is begun of which the document has given up waiting.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/options.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::actors {

/// A document in a form, as of the version that the request names. Errors: those of document_at() and of read().
result<payload> read_version(const storage::store& store, const std::string& name, const read_request& what,
                             const document_options& options);

/// The newest entries of a document's log. Errors: not_found, corrupt.
result<history_listing> list_history(const storage::store& store, const std::string& name, const history_request& what,
                                     const document_options& options);

/// Two versions compared, as JSON. Errors: those of history_between(), and not_found for a root that is not there.
result<payload> compare_versions(const storage::store& store, const std::string& name, const diff_request& what,
                                 const document_options& options);

historian_actor spawn_historian(caf::actor_system& system, const storage::store& store, document_options options);

}  // namespace octavo::actors
