#include "net/http_session.hpp"

#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "net/logger.hpp"
#include "net/web_socket.hpp"

namespace octavo::net {

namespace http = boost::beast::http;

namespace {

actors::close_reason refusal_of(errc code) {
  return code == errc::forbidden ? actors::close_reason::forbidden : actors::close_reason::unauthenticated;
}

/// How long a handshake may take while others wait for its place.
constexpr auto handshake_grace = std::chrono::seconds{1};

template <class Stream>
class http_session final : public watched, public std::enable_shared_from_this<http_session<Stream>> {
 public:
  http_session(io_thread& thread, const routes& answers, Stream stream, std::string peer,
               std::shared_ptr<admission> place)
      : thread_(thread),
        routes_(answers),
        stream_(std::move(stream)),
        peer_(std::move(peer)),
        place_(std::move(place)) {}

  void start() {
    thread_.watch(this->weak_from_this());
    started_ = thread_.now();
    set_deadline(limits().handshake_timeout_ms);
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      stream_->async_handshake(boost::asio::ssl::stream_base::server,
                               [self = this->shared_from_this()](const boost::system::error_code& failed) {
                                 if (!failed) self->read();
                               });
    } else {
      read();
    }
  }

  bool check(steady_time now) override {
    if (!stream_) return false;
    // While handshakes are at their bound, sockets that say nothing must not keep out those that have much to say.
    auto in_the_way = place_ && now - started_ > handshake_grace && place_->is_in_the_way();
    if (now < deadline_ && !in_the_way) return true;
    auto ignored = boost::system::error_code{};
    socket_of(*stream_).close(ignored);  // what is under way ends with an error, and this session with it
    return false;
  }

 private:
  const connection_limits& limits() const { return thread_.options().limits; }
  void set_deadline(std::int64_t in_ms) { deadline_ = thread_.now() + std::chrono::milliseconds{in_ms}; }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits().http_header_bytes_max));
    parser_->body_limit(limits().http_body_bytes_max);
    http::async_read(*stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](const boost::system::error_code& failed, std::size_t) {
                       self->have_read(failed);
                     });
  }

  void have_read(const boost::system::error_code& failed) {
    if (failed == http::error::header_limit || failed == http::error::body_limit) {
      refuse(http::status::payload_too_large, "the request is larger than this server takes");
      return;
    }
    if (failed) {
      // Something that is no HTTP gets an answer; a socket that has gone does not.
      if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
          failed != http::error::end_of_stream && failed != http::error::partial_message)
        refuse(http::status::bad_request, "this is not a request of HTTP/1.1");
      return;
    }
    place_->settled();
    auto request = parser_->release();
    if (auto why = routes_.refusal(request); !why.empty()) {
      logger().warn("peer={} refused: {}", peer_, why);
      keep_open_ = false;
      write(error_answer(request, http::status::forbidden, why));
      return;
    }
    if (boost::beast::websocket::is_upgrade(request)) {
      upgrade(request);
      return;
    }
    keep_open_ = request.keep_alive();
    write(routes_.answer(request));
  }

  void upgrade(const http_request& request) {
    auto target = routes::websocket_target(request);
    if (!target) {
      keep_open_ = false;
      write(error_answer(request, http::status::bad_request, target.error().message));
      return;
    }
    auto what = opening{};
    what.document = target->document;
    if (auto granted = routes_.access().check(target->token, target->document, unix_now_s())) {
      what.who = granted->who;
      what.expires_s = granted->expires_s;
    } else {
      what.refusal = refusal_of(granted.error().code);
      what.refusal_text = granted.error().message;
    }
    auto socket = std::make_shared<web_socket<Stream>>(thread_, y_websocket(), peer_, std::move(*stream_));
    socket->hold(std::move(place_));
    stream_.reset();
    socket->accept(request, std::move(what));
  }

  static http::message_generator error_answer(const http_request& request, http::status status,
                                              std::string_view message) {
    auto response = http::response<http::string_body>{status, request.version()};
    response.set(http::field::content_type, "application/json");
    response.set(http::field::cache_control, "no-store");
    response.set(http::field::connection, "close");
    response.body() = error_body(message);
    response.prepare_payload();
    return response;
  }

  void refuse(http::status status, std::string_view message) {
    keep_open_ = false;
    auto request = http_request{};
    request.version(11);
    write(error_answer(request, status, message));
  }

  void write(http::message_generator response) {
    set_deadline(limits().handshake_timeout_ms);
    boost::beast::async_write(*stream_, std::move(response),
                              [self = this->shared_from_this()](const boost::system::error_code& failed, std::size_t) {
                                self->have_written(failed);
                              });
  }

  void have_written(const boost::system::error_code& failed) {
    if (failed) return;
    if (keep_open_) {
      set_deadline(limits().http_idle_timeout_ms);
      read();
      return;
    }
    // A client that is still sending would meet a reset, and never read the answer.
    async_teardown(boost::beast::role_type::server, socket_of(*stream_),
                   [self = this->shared_from_this()](const boost::system::error_code&) {});
  }

  io_thread& thread_;
  const routes& routes_;
  std::optional<Stream> stream_;
  std::string peer_;
  std::shared_ptr<admission> place_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  steady_time started_;
  steady_time deadline_;
  bool keep_open_ = false;
};

}  // namespace

void serve_http(io_thread& thread, const routes& answers, tcp_socket socket, boost::asio::ssl::context* tls,
                std::string peer, std::shared_ptr<admission> place) {
  if (tls != nullptr)
    std::make_shared<http_session<tls_stream>>(thread, answers, tls_stream{std::move(socket), *tls}, std::move(peer),
                                               std::move(place))
        ->start();
  else
    std::make_shared<http_session<tcp_socket>>(thread, answers, std::move(socket), std::move(peer), std::move(place))
        ->start();
}

}  // namespace octavo::net
