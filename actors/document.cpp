#include "actors/document.hpp"

#include <algorithm>
#include <random>
#include <unordered_set>

#include "actors/logger.hpp"
#include "storage/store.hpp"

namespace octavo::actors {

namespace {

/// A document's memory is added up anew once edits may have made so much of it.
constexpr auto measure_step_bytes = std::size_t{16} << 10;
/// Server edits go on under another client id beyond this clock.
constexpr auto writer_clock_max = std::uint32_t{1} << 31;
/// Beyond it client ids begin anew: they end at 2^53.
constexpr auto writer_id_max = std::uint64_t{1} << 52;

std::vector<payload> to_payloads(std::vector<bytes> chunks) {
  auto result = std::vector<payload>{};
  result.reserve(chunks.size());
  for (auto& chunk : chunks) result.emplace_back(std::move(chunk));
  return result;
}

// The store would refuse it, and with it all that is written at the same time.
result<void> check_user(std::string_view user) {
  if (user.size() <= storage::max_user_bytes) return {};
  return fail(errc::limit_exceeded, "the name of the user has " + std::to_string(user.size()) +
                                        " bytes; the limit is " + std::to_string(storage::max_user_bytes));
}

std::string too_large_message(std::size_t bytes_max) {
  return "the edit is larger than one update may be (" + std::to_string(bytes_max >> 20) + " MiB): make several of it";
}

// A client is answered once for all questions of one kind that a burst brings, or a few bytes of questions would make
// gigabytes of answers. Returns the places of all but each session's last one, ascending.
std::vector<std::size_t> outdated_questions(std::span<const request> requests) {
  auto result = std::vector<std::size_t>{};
  auto seen = std::unordered_set<session_id>{};
  for (auto kind : {request_kind::sync, request_kind::query_presence, request_kind::resync}) {
    seen.clear();
    for (auto i = requests.size(); i-- > 0;)
      if (requests[i].kind == kind && !seen.insert(requests[i].session).second) result.push_back(i);
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace

document_state::document_state(document_options options, metrics& counters)
    : options_(options),
      counters_(counters),
      content_(content_options(options)),
      listeners_(options.subscriber_window_bytes),
      gate_(listeners_, counters, options.burst_bytes_max),
      presence_(options.presence) {}

crdt::document_options document_state::content_options(const document_options& options) {
  auto result = crdt::document_options{};
  result.max_pending_bytes = options.pending_bytes_max;
  result.step_budget = options.update_steps_max;
  result.max_content_bytes = options.arena_bytes_max;
  result.hash_seed = options.hash_seed;
  return result;
}

void document_state::install(crdt::document content, std::uint64_t seq, const std::vector<clock_step>& clocks,
                             std::uint64_t clocks_from) {
  content_ = std::move(content);
  measured_bytes_ = 0;
  forget_encoded();
  seq_ = seq;
  gate_.committed(seq);
  history_from_seq_ = clocks_from;
  history_.assign(clocks.begin(), clocks.end());
  trim_history();
  writer_id_ = 0;
}

void document_state::forget_encoded() {
  full_state_.clear();
  state_vector_ = {};
}

void document_state::subscribe(subscriber_id subscriber) {
  listeners_.add(subscriber);
}

void document_state::bring_up(subscriber_id subscriber, std::uint64_t since) {
  if (since == seq_) return;
  // Edits that are on their way to the disk must not come before those that it lacks.
  if (auto* one = listeners_.find(subscriber)) {
    one->behind_since = since;
    one->is_catching_up = true;
  }
  gate_.catch_up(seq_, subscriber, payload{content_.encode_state_as_update_v1(state_after(since))});
}

void document_state::unsubscribe(subscriber_id subscriber, std::int64_t steady_ms) {
  listeners_.remove(subscriber);
  for (auto one = sessions_.begin(); one != sessions_.end();) {
    if (one->first.subscriber != subscriber) {
      ++one;
      continue;
    }
    presence_.leave(one->first, steady_ms);
    one = sessions_.erase(one);
  }
}

relay_burst document_state::credit(subscriber_id subscriber, std::uint64_t bytes) {
  auto* one = listeners_.find(subscriber);
  if (one == nullptr) return {};
  one->unanswered_bytes -= std::min<std::size_t>(one->unanswered_bytes, bytes);
  if (!listeners_.has_room(*one)) return {};
  if (one->behind_since && !std::exchange(one->is_catching_up, true)) bring_up(subscriber, *one->behind_since);
  return {std::exchange(one->held, {})};
}

void document_state::handle(subscriber_id subscriber, const relay_burst& burst, moment now, bool may_write,
                            std::string_view why) {
  auto* listener = listeners_.find(subscriber);
  if (listener == nullptr) return;
  const auto outdated = outdated_questions(burst.requests);
  auto next_outdated = outdated.begin();
  for (auto i = std::size_t{0}; i < burst.requests.size(); ++i) {
    if (broken_) return;
    if (!listener->held.empty() || !listeners_.has_room(*listener)) {
      listener->held.insert(listener->held.end(), burst.requests.begin() + static_cast<std::ptrdiff_t>(i),
                            burst.requests.end());
      return;
    }
    const auto& what = burst.requests[i];
    auto who = session_key{subscriber, what.session};
    if (next_outdated != outdated.end() && *next_outdated == i)
      ++next_outdated;
    else
      handle_one(who, what, now, may_write, why);
    // The update that broke the document gets no answer: that would call it durable.
    if (!broken_) gate_.answered(seq_, who, what);
  }
}

void document_state::handle_one(session_key who, const request& what, moment now, bool may_write,
                                std::string_view why) {
  switch (what.kind) {
    case request_kind::enter:
      enter(who, what);
      break;
    case request_kind::reenter:
      reenter(who, what);
      break;
    case request_kind::leave:
      leave(who, now.steady_ms);
      break;
    case request_kind::edit:
    case request_kind::answer:
      if (edit(who, what, now.unix_ms, may_write, why) && what.kind == request_kind::answer) catch_up(who);
      break;
    case request_kind::marker:
      mark(who, what);
      break;
    case request_kind::offer:
      offer(who, what);
      break;
    case request_kind::sync:
      sync(who, what);
      break;
    case request_kind::presence:
      announce(who, what, now.steady_ms);
      break;
    case request_kind::query_presence:
      reply_to(who, reply_kind::presence, presence_.all());
      break;
    case request_kind::resync:
      resync(who, what);
      break;
  }
}

// A name that no log would take has no place here: with it not even the edits of others could be written.
bool document_state::takes_user(session_key who, const request& what) {
  if (what.data.size() <= storage::max_user_bytes) return true;
  reply_to(who, reply_kind::kicked, payload::copy_of("a user's name is longer than 512 bytes"),
           static_cast<std::uint64_t>(close_reason::bad_messages));
  return false;
}

void document_state::enter(session_key who, const request& what) {
  if (!takes_user(who, what)) return;
  sessions_[who] = session{.user = std::string{as_text(what.data.view())}};
  reply_to(who, reply_kind::state_vector, state_vector());
  if (presence_.present() != 0) reply_to(who, reply_kind::presence, presence_.all());
}

// The last owner may have refused edits of it, which nobody remembers: until it has told all that it has, nothing of it
// counts as durable.
void document_state::reenter(session_key who, const request& what) {
  if (!takes_user(who, what)) return;
  sessions_[who] = session{.user = std::string{as_text(what.data.view())}, .is_ahead = true};
  reply_to(who, reply_kind::state_vector, state_vector());
}

void document_state::leave(session_key who, std::int64_t steady_ms) {
  presence_.leave(who, steady_ms);
  sessions_.erase(who);
}

// Decodes an update into the scratch, less what is known already; false if it is malformed.
bool document_state::decode(session_key who, const request& what) {
  auto limits = crdt::decode_limits{};
  limits.max_bytes = options_.update_bytes_max;
  limits.max_structs = options_.update_structs_max;
  if (auto decoded = crdt::decode_update_v1(what.data.view(), scratch_, limits); !decoded) {
    auto reason = "malformed update: " + to_string(decoded.error());
    refuse(who, what, "the update was not taken: " + reason);
    bad_message(who, reason);
    return false;
  }
  content_.prune(scratch_);
  if (scratch_.empty()) counters_.edits_known.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void document_state::offer(session_key who, const request& what) {
  if (!decode(who, what) || scratch_.empty()) return;
  scratch_.clear();
  refuse(who, what, "you may read this document and not edit it; ask for a token with write access");
}

// Adding up a document's memory has its price, and so it is done once in a while.
std::size_t document_state::content_bytes() {
  if (measured_bytes_ == 0 || estimated_bytes_ >= measure_step_bytes) measure();
  return measured_bytes_ + estimated_bytes_;
}

void document_state::measure() {
  measured_bytes_ = content_.stats().memory_bytes;
  estimated_bytes_ = 0;
}

bool document_state::has_room_for(std::size_t bytes) {
  if (content_bytes() + bytes <= options_.content_bytes_max) return true;
  // Nothing is refused on an estimate, if anything was taken since the last measurement: it may have been deletes.
  if (estimated_bytes_ == 0) return false;
  measure();
  return measured_bytes_ + bytes <= options_.content_bytes_max;
}

// False if it was not taken.
bool document_state::edit(session_key who, const request& what, std::int64_t unix_ms, bool may_write,
                          std::string_view why) {
  if (!decode(who, what)) return false;
  if (scratch_.empty()) return true;
  if (!may_write) {
    scratch_.clear();
    refused_ = true;
    refuse(who, what, why);
    return false;
  }
  // Deletes are always taken: they are the way back.
  const auto needed = crdt::document::memory_needed(scratch_);
  if (!scratch_.structs().empty() && !has_room_for(needed)) {
    refused_for_size_ = std::min(refused_for_size_.value_or(needed), needed);
    scratch_.clear();
    refuse(who, what, full_message());
    return false;
  }
  auto found = sessions_.find(who);
  auto failed = integrate(who, found == sessions_.end() ? std::string{} : found->second.user, unix_ms, needed);
  if (!failed) return true;
  if (leaves_unchanged(*failed)) {
    auto reason = std::string{to_string(*failed)};
    refuse(who, what, "the update was not taken: " + reason);
    bad_message(who, reason);
  }
  return false;
}

// Applies what is in the scratch, and takes it if it changed anything. After an error that does not leave the content
// as it was, the document is broken.
std::optional<crdt::apply_errc> document_state::integrate(session_key who, std::string user, std::int64_t unix_ms,
                                                          std::size_t needed) {
  // What is logged and sent on is our own encoding, so that no peer ever reads bytes that this server did not
  // understand. It is made before the update is applied, since the scratch borrows from the message.
  auto canonical = payload{crdt::encode_update_v1(scratch_)};
  estimated_bytes_ += needed;
  auto applied = content_.apply(scratch_);
  scratch_.clear();
  if (!applied) {
    if (!leaves_unchanged(applied.error())) {
      counters_.edits_refused.fetch_add(1, std::memory_order_relaxed);
      broken_ = broken_update{who, std::move(user), std::string{to_string(applied.error())}, std::move(canonical)};
    }
    return applied.error();
  }
  if (applied->changed)
    take(who, std::move(user), unix_ms, std::move(canonical), applied->advances);
  else
    counters_.edits_known.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

std::string document_state::full_message() const {
  return "the document takes up as much memory as one document may (document-bytes-max, " +
         std::to_string(options_.content_bytes_max >> 20) + " MiB); delete something first";
}

// Numbers an edit that is in the content, and hands it to the log and, behind the gate, to everyone.
void document_state::take(session_key who, std::string user, std::int64_t unix_ms, payload canonical,
                          std::span<const crdt::clock_advance> advances) {
  ++seq_;
  remember_clocks(advances);
  forget_encoded();
  records_.push_back({seq_, unix_ms, std::move(user), canonical});
  bytes_taken_ += canonical.size();
  counters_.edit_bytes.fetch_add(canonical.size(), std::memory_order_relaxed);
  gate_.edit(seq_, who, std::move(canonical));
}

std::uint64_t document_state::writer_id() {
  if (writer_id_ == 0 || content_.clock(writer_id_) >= writer_clock_max) draw_writer_id();
  return writer_id_;
}

// A client id that nobody has used: clocks of an earlier run may have been lost on the way to the disk, and others may
// know them. It is above the last one, since of two edits of a key at once Yjs keeps that of the higher id: so it is
// the later one here.
void document_state::draw_writer_id() {
  auto random = std::random_device{};
  auto last = writer_id_ < writer_id_max ? writer_id_ : 0;
  do {
    writer_id_ = last + random();
  } while (writer_id_ == last || content_.clock(writer_id_) != 0);
}

result<void> document_state::may_edit(const server_edit& what, bool may_write, std::string_view why) {
  if (broken_) return fail(errc::unavailable, "the document is loaded anew");
  if (!may_write) return fail(errc::no_space, std::string{why});
  if (auto fit = check_user(what.user); !fit) return fit;
  if (what.weight() > options_.update_bytes_max)
    return fail(errc::limit_exceeded, too_large_message(options_.update_bytes_max));
  if (what.operations.size() > options_.edit_operations_max)
    return fail(errc::limit_exceeded, "an edit has " + std::to_string(options_.edit_operations_max) +
                                          " operations at most: make several of it");
  const auto only_erases = std::ranges::all_of(what.operations, [](const edit_operation& one) {
    return one.kind == edit_kind::erase || one.kind == edit_kind::remove;
  });
  if (!only_erases && !has_room_for(what.weight())) return fail(errc::limit_exceeded, full_message());
  return {};
}

result<crdt::committed> document_state::make(crdt::edit& open, const server_edit& what, std::optional<edit_key> key) {
  for (auto i = std::size_t{0}; i < what.operations.size(); ++i) {
    // What was done before goes with the edit.
    if (auto done = apply(open, what.operations[i]); !done)
      return fail(done.error().code, "operation " + std::to_string(i + 1) + ": " + done.error().message);
  }
  if (key && !what.operations.empty() && content_.clock(key->client) == key->clock)
    if (auto marked = leave_mark(open, what.operations.front().target); !marked) return tl::unexpected{marked.error()};
  auto done = open.commit();
  if (!done) return fail(errc::limit_exceeded, std::string{to_string(done.error())});
  return std::move(*done);
}

result<std::uint64_t> document_state::edit(const server_edit& what, std::int64_t unix_ms, bool may_write,
                                           std::string_view why) {
  if (auto fit = may_edit(what, may_write, why); !fit) return tl::unexpected{fit.error()};
  return edit_as(writer_id(), what, {}, unix_ms);
}

result<edit_done> document_state::edit(const server_edit& what, edit_key key, std::int64_t unix_ms, bool may_write,
                                       std::string_view why) {
  if (key.client == 0 || key.client > writer_id_max)
    return fail(errc::invalid_argument, "the client id of an edit's key is 1 to 2^52");
  if (what.as_of != present)
    return fail(errc::invalid_argument, "an edit that may be asked for again is meant for the present version");
  const auto clock = content_.clock(key.client);
  if (clock > key.clock) return edit_done{seq_, clock};
  if (clock < key.clock)
    return fail(errc::invalid_argument, "edits before this one are not here: the client's clock is " +
                                            std::to_string(clock) + ", and it says " + std::to_string(key.clock));
  if (auto fit = may_edit(what, may_write, why); !fit) return tl::unexpected{fit.error()};
  auto seq = edit_as(key.client, what, key, unix_ms);
  if (!seq) return tl::unexpected{seq.error()};
  return edit_done{*seq, content_.clock(key.client)};
}

result<std::uint64_t> document_state::edit_as(std::uint64_t client, const server_edit& what,
                                              std::optional<edit_key> key, std::int64_t unix_ms) {
  auto open = crdt::edit{content_, client};
  auto done = make(open, what, key);
  if (!done) {
    open.rollback();
    if (!content_.usable()) broken_ = broken_update{{}, what.user, done.error().message, {}};
    return tl::unexpected{done.error()};
  }
  if (done->update.empty()) return seq_;
  estimated_bytes_ += what.weight();
  take({}, what.user, unix_ms, payload{std::move(done->update)}, done->report.advances);
  return seq_;
}

result<std::uint64_t> document_state::edit_as_of(crdt::document& older, const server_edit& what, std::int64_t unix_ms,
                                                 bool may_write, std::string_view why) {
  if (auto fit = may_edit(what, may_write, why); !fit) return tl::unexpected{fit.error()};
  // Nobody is concurrent with itself: what this writer wrote since that version makes it another one.
  if (older.clock(writer_id()) != content_.clock(writer_id_)) draw_writer_id();
  auto open = crdt::edit{older, writer_id_};
  auto done = make(open, what);
  if (!done) return tl::unexpected{done.error()};
  if (done->update.empty()) return seq_;
  return merge(done->update, what.user, unix_ms, may_write, why);
}

result<std::uint64_t> document_state::merge(bytes_view update, std::string user, std::int64_t unix_ms, bool may_write,
                                            std::string_view why) {
  if (broken_) return fail(errc::unavailable, "the document is loaded anew");
  if (!may_write) return fail(errc::no_space, std::string{why});
  if (auto fit = check_user(user); !fit) return tl::unexpected{fit.error()};
  if (update.size() > options_.update_bytes_max)
    return fail(errc::limit_exceeded, too_large_message(options_.update_bytes_max));
  if (auto decoded = crdt::decode_update_v1(update, scratch_, crdt::no_limits); !decoded)
    return fail(errc::internal, "the server's own update cannot be read: " + to_string(decoded.error()));
  content_.prune(scratch_);
  if (scratch_.empty()) return seq_;
  const auto needed = crdt::document::memory_needed(scratch_);
  if (!scratch_.structs().empty() && !has_room_for(needed)) {
    scratch_.clear();
    return fail(errc::limit_exceeded, full_message());
  }
  if (auto failed = integrate({}, std::move(user), unix_ms, needed)) {
    auto reason = std::string{to_string(*failed)};
    if (leaves_unchanged(*failed)) return fail(errc::limit_exceeded, std::move(reason));
    return fail(errc::unavailable, "the edit was set aside, and the document is loaded anew: " + reason);
  }
  return seq_;
}

void document_state::sync(session_key who, const request& what) {
  auto since = crdt::decode_state_vector(what.data.view());
  if (!since) {
    bad_message(who, "malformed state vector: " + to_string(since.error()));
    return;
  }
  if (since->empty())
    reply_chunks(who, full_state(), reply_kind::synced);
  else
    reply_chunks(who, to_payloads(content_.encode_state_chunks_v1(*since, options_.sync_chunk_bytes)),
                 reply_kind::synced);
}

void document_state::resync(session_key who, const request& what) {
  counters_.resyncs.fetch_add(1, std::memory_order_relaxed);
  auto since = state_after(what.seq);
  if (since.empty())
    reply_chunks(who, full_state(), reply_kind::update);
  else
    reply_chunks(who, to_payloads(content_.encode_state_chunks_v1(since, options_.sync_chunk_bytes)),
                 reply_kind::update);
  // Those who went while the client could not be told, too.
  if (!presence_.empty()) reply_to(who, reply_kind::presence, presence_.all_and_gone());
  reply_to(who, reply_kind::resynced, {}, seq_);
}

void document_state::announce(session_key who, const request& what, std::int64_t steady_ms) {
  auto had_changes = presence_.has_changes();
  switch (presence_.announce(who, what.data.view(), steady_ms)) {
    case presence_table::verdict::taken:
      counters_.presence_changes.fetch_add(1, std::memory_order_relaxed);
      break;
    case presence_table::verdict::known:
      break;
    case presence_table::verdict::malformed:
      bad_message(who, "malformed presence");
      break;
    case presence_table::verdict::refused:
      counters_.presence_refused.fetch_add(1, std::memory_order_relaxed);
      break;
  }
  if (!had_changes && presence_.has_changes()) presence_dirty_ms_ = steady_ms;
}

void document_state::bad_message(session_key who, std::string_view what) {
  counters_.bad_messages.fetch_add(1, std::memory_order_relaxed);
  auto found = sessions_.find(who);
  if (found == sessions_.end() || ++found->second.bad_messages < options_.bad_messages_max) return;
  reply_to(who, reply_kind::kicked, payload::copy_of(what), static_cast<std::uint64_t>(close_reason::bad_messages));
}

void document_state::refuse(session_key who, const request& what, std::string_view why) {
  counters_.edits_refused.fetch_add(1, std::memory_order_relaxed);
  if (auto found = sessions_.find(who); found != sessions_.end()) found->second.is_ahead = true;
  reply_to(who, reply_kind::refused, payload::copy_of(why), what.op);
}

void document_state::catch_up(session_key who) {
  auto found = sessions_.find(who);
  if (found == sessions_.end()) return;
  found->second.is_ahead = false;
  if (auto held = std::exchange(found->second.held_marker, {}); !held.empty())
    reply_to(who, reply_kind::durable, std::move(held));
}

void document_state::mark(session_key who, const request& what) {
  auto found = sessions_.find(who);
  if (found != sessions_.end() && found->second.is_ahead)
    found->second.held_marker = what.data;
  else
    reply_to(who, reply_kind::durable, what.data);
}

void document_state::reply_to(session_key who, reply_kind kind, payload data, std::uint64_t seq) {
  gate_.reply(seq_, who.subscriber, {who.session, kind, seq, std::move(data)});
}

void document_state::reply_chunks(session_key who, const std::vector<payload>& chunks, reply_kind last) {
  // Whoever has the last part of an answer to sync has all edits up to now.
  auto seq = last == reply_kind::synced ? seq_ : 0;
  for (auto i = std::size_t{0}; i + 1 < chunks.size(); ++i) reply_to(who, reply_kind::update, chunks[i]);
  if (!chunks.empty())
    reply_to(who, last, chunks.back(), seq);
  else if (last == reply_kind::synced)
    reply_to(who, last, payload::copy_of(bytes_view{crdt::empty_update_v1}), seq);
}

void document_state::remember_clocks(std::span<const crdt::clock_advance> advances) {
  for (const auto& advance : advances) history_.push_back({seq_, advance.client, advance.clock_before});
  trim_history();
}

void document_state::trim_history() {
  while (history_.size() > options_.resync_history_max) {
    history_from_seq_ = history_.front().seq;
    while (!history_.empty() && history_.front().seq == history_from_seq_) history_.pop_front();
  }
}

crdt::state_vector document_state::state_after(std::uint64_t seq) const {
  if (seq < history_from_seq_ || seq > seq_) return {};
  auto before = std::unordered_map<std::uint64_t, std::uint32_t>{};
  for (auto step = history_.rbegin(); step != history_.rend() && step->seq > seq; ++step)
    before[step->client] = step->clock_before;
  auto entries = content_.state().entries();
  for (auto& entry : entries)
    if (auto found = before.find(entry.client); found != before.end()) entry.clock = found->second;
  return crdt::state_vector{std::move(entries)};
}

bool document_state::ask_again(bool may_write) {
  if (broken_ || !may_write) return false;
  if (!refused_ && (!refused_for_size_ || !has_room_for(*refused_for_size_))) return false;
  refused_ = false;
  refused_for_size_.reset();
  // It waits at the gate: what is asked for must not be what another client already showed.
  gate_.question(seq_, state_vector());
  return true;
}

std::optional<std::int64_t> document_state::presence_due_ms() const {
  if (!presence_.has_changes()) return std::nullopt;
  const auto interval = has_crowd() ? options_.crowd_presence_interval_ms : options_.presence.interval_ms;
  return std::max(presence_dirty_ms_, presence_sent_ms_ + interval);
}

std::optional<std::int64_t> document_state::due_ms() const {
  const auto presence = presence_due_ms();
  const auto broadcast = gate_.due_ms(options_.crowd_interval_ms);
  return presence && broadcast ? std::min(*presence, *broadcast) : presence ? presence : broadcast;
}

std::size_t document_state::memory_bytes() {
  auto result = content_bytes() + history_.size() * sizeof(clock_step) + sessions_.size() * sizeof(session);
  for (const auto& chunk : full_state_) result += chunk.size();
  return result;
}

const payload& document_state::state_vector() {
  if (state_vector_.empty()) state_vector_ = payload{content_.encode_state_vector()};
  return state_vector_;
}

const std::vector<payload>& document_state::full_state() {
  if (full_state_.empty()) full_state_ = to_payloads(content_.encode_state_chunks_v1({}, options_.sync_chunk_bytes));
  return full_state_;
}

addressed_bursts document_state::take_bursts(std::int64_t steady_ms) {
  auto out = gate_.open(has_crowd() ? options_.crowd_interval_ms : 0, steady_ms);
  add_presence(out, steady_ms);
  std::erase_if(out, [](const auto& one) { return one.second.empty(); });
  return out;
}

void document_state::add_presence(addressed_bursts& out, std::int64_t steady_ms) {
  auto changes = payload{};
  if (auto due = presence_due_ms(); due && *due <= steady_ms) {
    presence_sent_ms_ = steady_ms;
    changes = presence_.take_changes();
  }
  for (auto& one : listeners_) {
    if (changes.empty() && !one.lacks_presence) continue;
    // What it missed is told in one piece, with those who went.
    const auto missed = std::exchange(one.lacks_presence, one.behind_since || !listeners_.has_room(one));
    if (one.lacks_presence) continue;
    auto& burst = burst_of(out, one.id);
    burst.presence = missed ? presence_.all_and_gone() : changes;
    one.unanswered_bytes += burst.presence.size();
  }
}

}  // namespace octavo::actors
