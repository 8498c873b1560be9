// Every actor's protocol, one typed handle each, with what each message asks. INTERNAL marks messages that only
// octavo's own actors of one process exchange; all others may come from another node or from a program that embeds
// octavo.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/result.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actors/error.hpp"
#include "actors/history.hpp"
#include "actors/messages.hpp"
#include "actors/outlet.hpp"
#include "actors/server_edit.hpp"

namespace octavo::crdt {
class document;
}

namespace octavo::actors {

struct client_input;
struct session_start;
struct append_request;
struct quarantine_request;
struct loaded_document;
struct older_document;
struct look_back;
struct document_report;
struct relay_route;

}  // namespace octavo::actors

// Do not reorder: nodes of one cluster must number these alike.
CAF_BEGIN_TYPE_ID_BLOCK(octavo, first_custom_type_id)

CAF_ADD_TYPE_ID(octavo, (octavo::errc))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::payload))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::relay_burst))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::document_burst))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::document_report))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::client_input))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::session_start))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::append_request))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::quarantine_request))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::loaded_document))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::relay_route))

CAF_ADD_ATOM(octavo, octavo::actors, join_atom)
CAF_ADD_ATOM(octavo, octavo::actors, part_atom)
CAF_ADD_ATOM(octavo, octavo::actors, state_atom)
CAF_ADD_ATOM(octavo, octavo::actors, committed_atom)
CAF_ADD_ATOM(octavo, octavo::actors, rejected_atom)
CAF_ADD_ATOM(octavo, octavo::actors, tick_atom)
CAF_ADD_ATOM(octavo, octavo::actors, enter_atom)
CAF_ADD_ATOM(octavo, octavo::actors, leave_atom)
CAF_ADD_ATOM(octavo, octavo::actors, resync_atom)
CAF_ADD_ATOM(octavo, octavo::actors, flush_atom)
CAF_ADD_ATOM(octavo, octavo::actors, flushed_atom)
CAF_ADD_ATOM(octavo, octavo::actors, locate_atom)
CAF_ADD_ATOM(octavo, octavo::actors, route_atom)
CAF_ADD_ATOM(octavo, octavo::actors, document_atom)
CAF_ADD_ATOM(octavo, octavo::actors, retire_atom)
CAF_ADD_ATOM(octavo, octavo::actors, passivate_atom)
CAF_ADD_ATOM(octavo, octavo::actors, report_atom)
CAF_ADD_ATOM(octavo, octavo::actors, load_atom)
CAF_ADD_ATOM(octavo, octavo::actors, append_atom)
CAF_ADD_ATOM(octavo, octavo::actors, commit_atom)
CAF_ADD_ATOM(octavo, octavo::actors, barrier_atom)
CAF_ADD_ATOM(octavo, octavo::actors, snapshot_atom)
CAF_ADD_ATOM(octavo, octavo::actors, quarantine_atom)
CAF_ADD_ATOM(octavo, octavo::actors, stop_atom)
CAF_ADD_ATOM(octavo, octavo::actors, drop_atom)

CAF_ADD_TYPE_ID(octavo, (octavo::actors::server_edit))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::read_request))
CAF_ADD_ATOM(octavo, octavo::actors, edit_atom)
CAF_ADD_ATOM(octavo, octavo::actors, read_atom)

CAF_ADD_TYPE_ID(octavo, (octavo::actors::history_request))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::history_listing))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::diff_request))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::older_document))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::look_back))
CAF_ADD_ATOM(octavo, octavo::actors, history_atom)
CAF_ADD_ATOM(octavo, octavo::actors, diff_atom)
CAF_ADD_ATOM(octavo, octavo::actors, restore_atom)
CAF_ADD_ATOM(octavo, octavo::actors, version_atom)
CAF_ADD_ATOM(octavo, octavo::actors, credit_atom)
CAF_ADD_TYPE_ID(octavo, (octavo::actors::edit_key))
CAF_ADD_TYPE_ID(octavo, (octavo::actors::edit_done))

CAF_END_TYPE_ID_BLOCK(octavo)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::client_input)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::session_start)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::append_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::quarantine_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::loaded_document)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::older_document)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::look_back)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::relay_route)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(octavo::actors::document_report)

namespace octavo::actors {

/// What a document sends its bursts to: a relay, or an actor of a program that embeds octavo.
using subscriber_actor = caf::typed_actor<
    // Edits that are durable now, answers and acknowledgements.
    caf::result<void>(document_burst)>;

/// One document: its single writer, and the owner of its presence.
using document_actor = caf::typed_actor<
    // Subscribes. Answered with the document's sequence number once it is loaded; refused with an error while it is
    // leaving memory (ask the directory again) or when it cannot be loaded.
    caf::result<std::uint64_t>(join_atom, subscriber_actor),
    // The same for one that had another actor of this document before, on this node or another: its sessions have all
    // edits up to this sequence number, and are given those after it.
    caf::result<std::uint64_t>(join_atom, subscriber_actor, std::uint64_t),
    // Unsubscribes, and with it all sessions behind the subscriber.
    caf::result<void>(part_atom, subscriber_actor),
    // What the sessions behind a subscriber ask. Ignored from one that has not joined.
    caf::result<void>(relay_burst, subscriber_actor),
    // A subscriber has taken in bursts of this weight. One that does not say so is given no more edits once
    // subscriber_window_bytes are on their way to it.
    caf::result<void>(credit_atom, subscriber_actor, std::uint64_t),
    // The durable state as one update, v1.
    caf::result<payload>(state_atom),
    // Edits the document, all operations or none; broadcast like anyone's edit. Answered with its sequence number once
    // it is durable (that of the last edit, if nothing changed), or with what is wrong and where.
    caf::result<std::uint64_t>(edit_atom, server_edit),
    // The same, and it may be asked for again: see edit_key. errc::invalid_argument: the edit is meant for an older
    // version, or the asker's earlier edits are not here.
    caf::result<edit_done>(edit_atom, server_edit, edit_key),
    // The document in a form, now or as it was. What it shows is durable when the answer comes.
    caf::result<payload>(read_atom, read_request),
    // Who edited the document, and when.
    caf::result<history_listing>(history_atom, history_request),
    // What changed between two versions, with who did it.
    caf::result<payload>(diff_atom, diff_request),
    // Brings a version back, as a new edit of a user, which merges with what others do meanwhile. Answered as
    // edit_atom.
    caf::result<std::uint64_t>(restore_atom, std::uint64_t, std::string),
    // Takes no more edits, writes what it has, and ends. Answered when all is on disk.
    caf::result<void>(stop_atom),
    // The document is deleted: closes all sessions and ends. Answered when nothing of it is on its way to the disk.
    caf::result<void>(drop_atom),
    // INTERNAL: from the log writer: all edits up to this sequence number are durable.
    caf::result<void>(committed_atom, std::uint64_t),
    // INTERNAL: from the log writer: this and later edits were not written.
    caf::result<void>(rejected_atom, std::uint64_t, caf::error),
    // INTERNAL: to itself: time for what waits on the clock.
    caf::result<void>(tick_atom),
    // INTERNAL: from the registry: leave memory now if nobody is here.
    caf::result<void>(passivate_atom)>;

}  // namespace octavo::actors

// Handles that messages carry. Do not reorder.
CAF_BEGIN_TYPE_ID_BLOCK(octavo_handles, caf::id_block::octavo::end)

CAF_ADD_TYPE_ID(octavo_handles, (octavo::actors::subscriber_actor))
CAF_ADD_TYPE_ID(octavo_handles, (octavo::actors::document_actor))

CAF_END_TYPE_ID_BLOCK(octavo_handles)

namespace octavo::actors {

/// One client's connection, as the actors see it.
using session_actor = caf::typed_actor<
    // INTERNAL: from the connection: what the client sent.
    caf::result<void>(client_input),
    // INTERNAL: from the connection: its queue overflowed after this sequence number and is empty again.
    caf::result<void>(resync_atom, std::uint64_t),
    // INTERNAL: from the connection: the socket is gone.
    caf::result<void>(leave_atom)>;

/// The local side of one document: its sessions on this node.
using relay_actor = caf::typed_actor<caf::result<void>(document_burst),
                                     // INTERNAL: a session opens.
                                     caf::result<void>(enter_atom, session_start),
                                     // INTERNAL: what sessions ask.
                                     caf::result<void>(relay_burst),
                                     // INTERNAL: a session is gone.
                                     caf::result<void>(leave_atom, session_id),
                                     // INTERNAL: to itself: send what has gathered.
                                     caf::result<void>(flush_atom),
                                     // INTERNAL: an outlet has handed the last delivery to its sockets.
                                     caf::result<void>(flushed_atom),
                                     // INTERNAL: to itself: leave if still without sessions.
                                     caf::result<void>(tick_atom),
                                     // INTERNAL: from the registry: the node stops: close all sessions.
                                     caf::result<void>(stop_atom)>;

/// Where a document lives. On one node: here. In a cluster: wherever its shard's owner is.
using directory_actor = caf::typed_actor<
    // Finds, or brings to life, the one actor of a document.
    caf::result<document_actor>(locate_atom, std::string)>;

/// The documents and relays of this node, by name.
using registry_actor = caf::typed_actor<
    // INTERNAL: the relay of a document on this node; made if there is none.
    caf::result<relay_route>(route_atom, std::string),
    // The actor of a document that lives on this node; made if there is none.
    caf::result<document_actor>(document_atom, std::string),
    // INTERNAL: from a relay without sessions: may I go? No new session will be sent to it.
    caf::result<void>(retire_atom, std::string, relay_id),
    // INTERNAL: from a document that refuses to be joined by now: may I go?
    caf::result<void>(passivate_atom, std::string),
    // INTERNAL: from a document: its size, when that changed much.
    caf::result<void>(report_atom, document_report),
    // Deletes a document and closes its sessions.
    caf::result<void>(drop_atom, std::string),
    // Ends all documents in good order; answered when all is on disk.
    caf::result<void>(stop_atom)>;

/// The one that writes: all documents' edits, in groups. A thread of its own.
using log_writer_actor = caf::typed_actor<
    // INTERNAL: edits to be made durable; answered with committed_atom or rejected_atom to the document.
    caf::result<void>(append_atom, append_request),
    // INTERNAL: to itself: write what has gathered.
    caf::result<void>(commit_atom),
    // INTERNAL: an update that broke its document is kept for inspection.
    caf::result<void>(quarantine_atom, quarantine_request),
    // INTERNAL: what a document (by name) has done since it said so last: µs of work, and bytes that it has sent.
    caf::result<void>(report_atom, std::string, std::uint64_t, std::uint64_t),
    // INTERNAL: from a document that is about to be loaded: answered when all that was asked before is written, or
    // refused. errc::moved: this node is not the one to load it.
    caf::result<void>(barrier_atom, std::string, document_actor),
    // INTERNAL: removes everything of a document.
    caf::result<void>(drop_atom, std::string)>;

/// Reads documents from the store. A few of them, a thread each.
using loader_actor = caf::typed_actor<
    // INTERNAL: reads and rebuilds a document.
    caf::result<loaded_document>(load_atom, std::string)>;

/// Writes snapshots from the store's own log, off the documents' path. A thread of its own.
using snapshotter_actor = caf::typed_actor<
    // INTERNAL: brings a document's snapshot up to date; answered with the sequence number that it covers.
    caf::result<std::uint64_t>(snapshot_atom, std::string)>;

/// Looks back: lists, builds and compares versions from the store, off the documents' path. A thread of its own.
using historian_actor = caf::typed_actor<
    // INTERNAL: a version of a document, to be edited.
    caf::result<older_document>(version_atom, look_back, std::uint64_t),
    // INTERNAL: a version in a form: the request says which.
    caf::result<payload>(read_atom, look_back, read_request),
    // INTERNAL: the entries of the log.
    caf::result<history_listing>(history_atom, look_back, history_request),
    // INTERNAL: a comparison.
    caf::result<payload>(diff_atom, look_back, diff_request),
    // INTERNAL: the update that brings a version back.
    caf::result<payload>(restore_atom, look_back, std::uint64_t)>;

/// What a client sent, from the connection to its session.
struct client_input {
  enum class kind_type : std::uint8_t {
    sync,            ///< a state vector
    answer,          ///< an update that holds all that the client has and the server lacked
    edit,            ///< an update
    presence,        ///< an awareness payload
    query_presence,  ///< no data
    marker,          ///< to be echoed once all that came before is durable
  };
  kind_type kind = kind_type::edit;
  payload data;

  std::size_t weight() const { return data.size() + request::request_overhead_bytes; }
};

/// A session as it enters its relay.
struct session_start {
  session_id id = 0;
  outlet_ptr out;
  std::string user;  ///< empty: nobody in particular
};

struct append_request {
  std::string document;
  document_actor from;
  std::vector<log_record> records;
};

struct quarantine_request {
  std::string document;
  std::int64_t time_ms = 0;
  std::string user;
  std::string reason;
  payload update;
};

/// A document as the store has it, on its way from the loader to its actor.
struct loaded_document {
  std::shared_ptr<crdt::document> content;
  std::uint64_t seq = 0;
  std::uint64_t records_since_snapshot = 0;
  std::uint64_t bytes_since_snapshot = 0;
  bool holds_only_copies = false;  ///< the log has a record that was left out and is kept nowhere else
  std::vector<clock_step> clocks;  ///< of the edits after `clocks_from_seq`, as far as they can be told
  std::uint64_t clocks_from_seq = 0;
};

/// Which document's past is asked for.
struct look_back {
  std::string document;
  std::int64_t until_ms = 0;  ///< by the steady clock: nobody waits for the answer any more
};

/// A document as it was, on its way from the historian.
struct older_document {
  std::shared_ptr<crdt::document> content;
};

struct document_report {
  std::string name;
  std::uint64_t memory_bytes = 0;
  bool idle = false;  ///< nobody has it open
};

struct relay_route {
  relay_actor relay;
  relay_id id = 0;
};

}  // namespace octavo::actors
