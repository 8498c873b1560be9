// Reads documents from the store: the newest snapshot, then every record behind it. Loaders and the snapshotter run
// detached, since they wait for the disk; a few loaders bound how many documents are loaded at once.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/options.hpp"

namespace octavo::storage {
class store;
}

namespace octavo::actors {

/// A document read from the store. A record that breaks it (an update that an older version took, say) is set aside in
/// the store's quarantine and skipped, so that the document opens without it. A document that is damaged on disk is
/// quarantined as a whole: errc::corrupt or errc::quarantined, with the place. One that does not exist is empty.
result<loaded_document> read_document(storage::store& store, const std::string& name, const document_options& options);

/// Brings a document's snapshot up to date from the store's own records; the sequence number that it covers.
result<std::uint64_t> write_snapshot(storage::store& store, const std::string& name, const document_options& options);

loader_actor spawn_loader(caf::actor_system& system, storage::store& store, document_options options);
/// Speaks like a loader and hands each load to one of `loaders` that is free; the others wait in line.
loader_actor spawn_loader_pool(caf::actor_system& system, std::vector<loader_actor> loaders);
snapshotter_actor spawn_snapshotter(caf::actor_system& system, storage::store& store, document_options options,
                                    metrics& counters);

}  // namespace octavo::actors
