#include "net/connection.hpp"

#include "net/io_thread.hpp"
#include "net/logger.hpp"

namespace octavo::net {

namespace {

using actors::client_input;
using actors::reply_kind;

/// A client hears at most so often why its edits are refused.
constexpr auto refusal_interval = std::chrono::seconds{2};
/// A close frame holds 125 bytes, two of which are the code.
constexpr std::size_t close_text_bytes_max = 123;

/// The beginning of a text, cut between characters: browsers drop a close frame that is not UTF-8.
std::string_view beginning(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace

connection::connection(io_thread& thread, const dialect& speaks, std::string peer)
    : thread_(thread),
      dialect_(speaks),
      peer_(std::move(peer)),
      id_(thread.node().next_session_id()),
      last_sent_(thread.now()),
      rate_(static_cast<double>(thread.options().limits.messages_per_s),
            static_cast<double>(thread.options().limits.messages_burst), thread.now()) {}

connection::~connection() {
  if (session_) compat::tell(session_, actors::leave_atom_v);  // dropped with its thread, without a last word
  auto& counters = thread_.node().counters();
  counters.send_queue_bytes.fetch_sub(static_cast<std::int64_t>(queue_bytes_), std::memory_order_relaxed);
  count_unanswered(0);
  count_reading(0);
}

void connection::start(const std::string& document, actors::client_identity who, std::int64_t expires_s) {
  expires_s_ = expires_s;
  last_sent_ = last_heard_ = thread_.now();
  logger().debug("session={} peer={} opened", id_, peer_);
  thread_.add(shared_from_this());
  session_ = thread_.node().open_session(document, id_, std::move(who), thread_.as_outlet());
  read_next();
}

void connection::read_next() {
  const auto& limits = thread_.options().limits;
  if (reading_ || closing_ || gone_) return;
  // A client that asks faster than it is answered, or does not take its answers, is not listened to.
  if (unanswered_bytes_ >= limits.window_bytes || queue_bytes_ > limits.send_queue_bytes_max) return;
  if (thread_.now() < paused_until_) return;
  heard();  // what came while nobody listened was not heard, and is no silence
  listen();
}

void connection::listen() {
  reading_ = true;
  async_read();
}

void connection::count_unanswered(std::uint64_t bytes) {
  auto change = static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(unanswered_bytes_);
  thread_.node().counters().unanswered_bytes.fetch_add(change, std::memory_order_relaxed);
  unanswered_bytes_ = bytes;
}

void connection::count_reading(std::size_t bytes) {
  auto change = static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(reading_bytes_);
  thread_.node().counters().reading_bytes.fetch_add(change, std::memory_order_relaxed);
  reading_bytes_ = bytes;
}

// A large message may take a slow line long. What counts is that it goes on, and that there are not too many of them.
void connection::read_part() {
  reading_ = false;
  if (gone_) {
    close_socket();
    return;
  }
  heard();
  if (closing_) return;
  count_reading(read_buffer_.size());
  const auto all = thread_.node().counters().reading_bytes.load(std::memory_order_relaxed);
  if (all > static_cast<std::int64_t>(thread_.options().limits.reading_bytes_max)) {
    // At once, or all that come while this one ends would have to end too.
    read_buffer_ = boost::beast::flat_buffer{};
    count_reading(0);
    close(actors::close_reason::try_again, "the server is reading as many large messages as it may; try again later");
    return;
  }
  listen();
}

void connection::heard() {
  last_heard_ = thread_.now();
}

void connection::read_done(bool is_binary) {
  reading_ = false;
  count_reading(0);
  if (gone_) {
    close_socket();
    return;
  }
  heard();
  if (closing_) return;
  auto data = read_buffer_.cdata();
  auto frame = bytes_view{static_cast<const std::byte*>(data.data()), data.size()};
  auto& counters = thread_.node().counters();
  counters.messages_in.fetch_add(1, std::memory_order_relaxed);
  counters.bytes_in.fetch_add(frame.size(), std::memory_order_relaxed);
  if (!is_binary) {
    close(actors::close_reason::bad_messages, "text frames are not understood here; send binary frames");
    return;
  }
  auto parsed = dialect_.parse(frame);
  read_buffer_.consume(read_buffer_.size());
  // What one large message needed is not kept for the small ones that follow.
  constexpr auto kept_read_bytes = std::size_t{1} << 10;
  if (read_buffer_.capacity() > kept_read_bytes) read_buffer_ = boost::beast::flat_buffer{};
  if (!parsed.error.empty()) {
    bad_message(parsed.error);
    if (closing_) return;
  } else if (parsed.input) {
    pass_on(std::move(*parsed.input));
  }
  if (auto wait = rate_.take(thread_.now()); wait.count() > 0) {
    paused_until_ = thread_.now() + wait;
    thread_.after(wait, [self = weak_from_this()] {
      if (auto alive = self.lock()) alive->read_next();
    });
    return;
  }
  read_next();
}

// A few bytes may ask for all of a document. So the next question waits until the last one is answered and the answer
// is on its way; of those that wait the last one stands for all of its kind.
void connection::pass_on(actors::client_input what) {
  count_unanswered(unanswered_bytes_ + what.weight());
  auto* held = what.kind == client_input::kind_type::sync             ? &held_sync_
               : what.kind == client_input::kind_type::query_presence ? &held_query_
                                                                      : nullptr;
  if (held == nullptr) {
    ++asked_;
    compat::tell(session_, std::move(what));
    return;
  }
  if (*held) count_unanswered(unanswered_bytes_ - (*held)->weight());
  *held = std::move(what);
  pass_question();
}

void connection::pass_question() {
  if (closing_ || gone_ || answered_ < question_ || queue_bytes_ > thread_.options().limits.send_queue_bytes_max)
    return;
  auto& held = held_sync_ ? held_sync_ : held_query_;
  if (!held) return;
  question_ = ++asked_;
  compat::tell(session_, std::move(*held));
  held.reset();
}

void connection::bad_message(std::string_view what) {
  thread_.node().counters().bad_messages.fetch_add(1, std::memory_order_relaxed);
  if (++bad_messages_ < thread_.options().limits.bad_messages_max) return;
  logger().warn("session={} peer={} closed after {} malformed messages, the last one: {}", id_, peer_, bad_messages_,
                what);
  close(actors::close_reason::bad_messages, what);
}

void connection::receive(const actors::reply& what) {
  switch (what.kind) {
    case reply_kind::state_vector:
      enqueue(dialect_.state_vector(what.data));
      return;
    case reply_kind::update:
      enqueue(dialect_.update(what.data));
      return;
    case reply_kind::synced:
      delivered_seq_ = std::max(delivered_seq_, what.seq);
      enqueue(dialect_.synced(what.data));
      return;
    case reply_kind::presence:
      enqueue(dialect_.presence(what.data));
      return;
    case reply_kind::resynced:
      lagging_ = resyncing_ = false;
      delivered_seq_ = std::max(delivered_seq_, what.seq);
      return;
    case reply_kind::refused:
      if (thread_.now() - last_refusal_ < refusal_interval) return;
      last_refusal_ = thread_.now();
      enqueue(dialect_.refused(as_text(what.data.view())));
      return;
    case reply_kind::durable:
      enqueue(dialect_.echo(what.data));
      return;
    case reply_kind::kicked:
      close(static_cast<actors::close_reason>(what.seq), as_text(what.data.view()));
      return;
  }
}

void connection::receive_update(const actors::payload& update, std::uint64_t seq, actors::session_id except) {
  if (lagging_) return;
  if (except == id_) {
    delivered_seq_ = seq;
    return;
  }
  if (queue_bytes_ > thread_.options().limits.send_queue_bytes_max) {
    lagging_ = true;
    return;
  }
  delivered_seq_ = seq;
  enqueue(dialect_.update(update));
}

void connection::receive_presence(const actors::payload& presence) {
  if (lagging_) return;
  if (queue_bytes_ > thread_.options().limits.send_queue_bytes_max) {
    lagging_ = true;  // what follows once the queue is empty holds all presence as well
    return;
  }
  enqueue(dialect_.presence(presence));
}

void connection::receive_question(const actors::payload& state_vector) {
  enqueue(dialect_.state_vector(state_vector));
}

void connection::release(const actors::ack& answered) {
  count_unanswered(unanswered_bytes_ - std::min(answered.bytes, unanswered_bytes_));
  answered_ = std::max(answered_, answered.op);
  pass_question();
  read_next();
}

void connection::enqueue(out_frame frame) {
  if (closing_ || gone_) return;
  auto& counters = thread_.node().counters();
  counters.deliveries.fetch_add(1, std::memory_order_relaxed);
  counters.send_queue_bytes.fetch_add(static_cast<std::int64_t>(frame.size()), std::memory_order_relaxed);
  queue_bytes_ += frame.size();
  queue_.push_back(std::move(frame));
  write_next();
}

void connection::write_next() {
  if (writing_ || closing_ || gone_ || queue_.empty()) return;
  writing_ = true;
  write_progress_ = thread_.now();
  async_write(queue_.front());
}

void connection::written(std::size_t bytes) {
  writing_ = false;
  if (gone_) return;
  auto size = queue_.front().size();
  auto& counters = thread_.node().counters();
  counters.bytes_out.fetch_add(bytes, std::memory_order_relaxed);
  counters.send_queue_bytes.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
  queue_bytes_ -= size;
  queue_.pop_front();
  last_sent_ = thread_.now();
  if (lagging_ && queue_.empty()) ask_for_what_was_missed();
  write_next();
  pass_question();
  read_next();
}

void connection::ask_for_what_was_missed() {
  if (resyncing_) return;
  resyncing_ = true;
  compat::tell(session_, actors::resync_atom_v, delivered_seq_);
}

void connection::close(actors::close_reason reason, std::string_view text) {
  if (closing_ || gone_) return;
  closing_ = true;
  async_close(dialect_.close_code(reason), beginning(text, close_text_bytes_max));
}

void connection::abort() {
  close_socket();
  gone();
}

void connection::gone() {
  if (gone_) return;
  gone_ = true;
  if (session_) compat::tell(session_, actors::leave_atom_v);
  session_ = nullptr;
  thread_.remove(*this);
}

void connection::read_failed() {
  gone();
  // Whatever there was to say about the end has been said. A write that is still under way would keep the connection
  // for as long as the peer likes.
  close_socket();
}

void connection::write_failed() {
  gone();
  // A read that is under way may be telling the peer why, and sees to the end itself.
  if (!reading_) close_socket();
}

// A large frame may take a slow line long; what counts is that it goes on.
bool connection::is_stuck(steady_time now) {
  if (!writing_) return false;
  if (auto unsent = unsent_bytes(); unsent != unsent_bytes_) {
    unsent_bytes_ = unsent;
    write_progress_ = now;
  }
  return now - write_progress_ > std::chrono::milliseconds{thread_.options().limits.send_timeout_ms};
}

bool connection::is_silent(steady_time now) {
  if (!reading_) return false;  // we do not listen ourselves
  const auto patience = std::chrono::milliseconds{thread_.options().limits.idle_timeout_ms};
  if (now - last_heard_ > patience) return true;
  if (now - last_heard_ > patience / 2 && last_ping_ <= last_heard_ && !closing_) {
    last_ping_ = now;
    async_ping();
  }
  return false;
}

void connection::check(steady_time now, std::int64_t now_s) {
  if (gone_) return;
  const auto& limits = thread_.options().limits;
  if (is_stuck(now)) {
    logger().info("session={} peer={} took nothing for {} ms and is closed", id_, peer_, limits.send_timeout_ms);
    abort();
    return;
  }
  if (is_silent(now)) {
    logger().info("session={} peer={} was silent for {} ms and is closed", id_, peer_, limits.idle_timeout_ms);
    abort();
    return;
  }
  if (closing_) return;
  if (expires_s_ != 0 && now_s >= expires_s_) {
    close(actors::close_reason::unauthenticated, "the token has expired");
    return;
  }
  if (queue_.empty() && now - last_sent_ > std::chrono::milliseconds{limits.keepalive_ms})
    enqueue(dialect_.keepalive());
}

}  // namespace octavo::net
