// One client of one document: connects, synchronizes, sends edits and tells its owner what arrives. It keeps no
// document: a load generator only counts. All on the thread that runs the io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <deque>
#include <string>

#include "bench/load/dialect.hpp"
#include "bench/load/web_socket.hpp"

namespace octavo::bench {

/// Where the server is and how it is spoken to.
struct target {
  boost::asio::ip::tcp::endpoint server;
  dialect speech = dialect::y_websocket;
};

class document_client;

/// What an owner of clients hears from them.
class client_events {
 public:
  virtual ~client_events() = default;
  /// The first Step2 was received (and given to on_update).
  virtual void on_synced(document_client&) {}
  /// An update that may be empty; the view ends with the call.
  virtual void on_update(document_client&, bytes_view) {}
  /// All edits up to and with `number` are acknowledged.
  virtual void on_acknowledged(document_client&, std::uint64_t) {}
  /// The connection is gone or was never made; the client may be opened again, but not in this call.
  virtual void on_closed(document_client&, std::string_view) {}
};

class document_client {
 public:
  /// `index` is the owner's name for it. The events object outlives the client.
  document_client(boost::asio::io_context& io, const target& where, client_events& events, std::size_t index,
                  std::string document);

  /// What this client knows already: `known_clocks` clocks of `known_client`, which `known_update` (borrowed) holds.
  /// Its Step1 says so, and a server that knows less is sent the update, as a real client would do.
  void knows(std::uint64_t known_client, std::uint64_t known_clocks, const bytes* known_update);

  void open();
  void close();

  /// Queues an edit; it leaves with the next flush(). With `number` > 0, on_acknowledged tells once it is safe.
  void send_edit(bytes_view update, std::uint64_t number = 0);
  void flush() { socket_.flush(); }

  std::size_t index() const { return index_; }
  const std::string& document() const { return document_; }
  bool synced() const { return synced_; }
  std::size_t queued_bytes() const { return socket_.queued_bytes(); }

 private:
  void on_open();
  void on_message(bytes_view frame);
  void answer_step1(bytes_view state_vector);

  const target& target_;
  client_events& events_;
  std::size_t index_;
  std::string document_;
  std::uint64_t known_client_ = 0;
  std::uint64_t known_clocks_ = 0;
  const bytes* known_update_ = nullptr;
  bool synced_ = false;
  // Hocuspocus: the numbers of the messages that it has not acknowledged yet, 0 for those nobody asked about.
  std::deque<std::uint64_t> unacknowledged_;
  web_socket socket_;
};

}  // namespace octavo::bench
