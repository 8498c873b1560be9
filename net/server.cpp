#include "net/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <unordered_map>

#include "net/http_session.hpp"
#include "net/logger.hpp"

namespace octavo::net {

namespace asio = boost::asio;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

namespace {

/// After an error such as too many open files, so long until the next try.
constexpr auto accept_retry_delay = std::chrono::milliseconds{100};
constexpr auto stop_poll_interval = std::chrono::milliseconds{20};

const std::string& overloaded_answer() {
  static const auto answer = [] {
    auto body = error_body("the server has no place for more");
    return "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  }();
  return answer;
}

/// Who is in: all connections, those of each address, and those that have not sent a whole request.
class doorkeeper : public std::enable_shared_from_this<doorkeeper> {
 public:
  explicit doorkeeper(const connection_limits& limits) : limits_(limits) {}

  /// Null if there is no place. `on_room` is called when a place has become free after handshakes were at their limit.
  std::shared_ptr<admission> let_in(const std::string& address);
  bool handshakes_full() const { return handshakes_.load() >= limits_.handshakes_max; }
  void on_room(std::function<void()> callback) { on_room_ = std::move(callback); }

 private:
  class place;
  void settled() {
    if (handshakes_.fetch_sub(1) == limits_.handshakes_max && on_room_) on_room_();
  }
  void leave(const std::string& address) {
    auto lock = std::lock_guard{mutex_};
    --total_;
    if (auto found = by_address_.find(address); --found->second == 0) by_address_.erase(found);
  }

  const connection_limits& limits_;
  std::mutex mutex_;
  std::size_t total_ = 0;
  std::unordered_map<std::string, std::size_t> by_address_;
  std::atomic<std::size_t> handshakes_{0};
  std::function<void()> on_room_;
};

class doorkeeper::place final : public admission {
 public:
  place(std::shared_ptr<doorkeeper> keeper, std::string address)
      : keeper_(std::move(keeper)), address_(std::move(address)) {}
  ~place() override {
    settled();
    keeper_->leave(address_);
  }
  void settled() override {
    if (!std::exchange(settled_, true)) keeper_->settled();
  }
  bool is_in_the_way() const override { return !settled_ && keeper_->handshakes_full(); }

 private:
  std::shared_ptr<doorkeeper> keeper_;
  std::string address_;
  bool settled_ = false;
};

std::shared_ptr<admission> doorkeeper::let_in(const std::string& address) {
  auto lock = std::lock_guard{mutex_};
  auto& mine = by_address_[address];
  if (total_ >= limits_.connections_max || mine >= limits_.connections_per_address_max) {
    if (mine == 0) by_address_.erase(address);
    return nullptr;
  }
  ++total_;
  ++mine;
  handshakes_.fetch_add(1);
  return std::make_shared<place>(shared_from_this(), address);
}

result<std::unique_ptr<asio::ssl::context>> make_tls(const tls_options& options) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  auto failed = boost::system::error_code{};
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1 | asio::ssl::context::single_dh_use,
                       failed);
  // An idle connection needs no buffers.
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context->use_certificate_chain_file(options.certificate.string(), failed);
  if (failed)
    return fail(errc::invalid_argument, "the certificate " + options.certificate.string() +
                                            " cannot be used (PEM, with its chain): " + failed.message());
  context->use_private_key_file(options.key.string(), asio::ssl::context::pem, failed);
  if (failed)
    return fail(errc::invalid_argument, "the key " + options.key.string() +
                                            " cannot be used (PEM, and of this certificate): " + failed.message());
  return context;
}

error listen_error(const net_options& options, const boost::system::error_code& failed) {
  auto what = "cannot listen on " + options.listen_address + ':' + std::to_string(options.listen_port);
  if (failed == asio::error::address_in_use)
    return {errc::unavailable, what + ": the port is in use (another octavo? choose one with --listen)"};
  return {errc::io_error, what + ": " + failed.message()};
}

}  // namespace

struct server_setup::parts {
  explicit parts(access_policy who) : access(std::move(who)) {}

  result<void> bind(const net_options& options) {
    auto failed = boost::system::error_code{};
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.set_option(asio::socket_base::reuse_address{true}, failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (failed) return tl::unexpected{listen_error(options, failed)};
    return {};
  }

  access_policy access;
  static_files page;
  std::unique_ptr<asio::ssl::context> tls;
  asio::ip::tcp::endpoint endpoint;
  asio::io_context idle;  // nobody runs it: the socket goes to an I/O thread before it is listened to
  tcp_acceptor acceptor{idle};
};

class server::impl : public std::enable_shared_from_this<server::impl> {
 public:
  impl(actors::node& node, const net_options& options, server_setup::parts& setup)
      : node_(node),
        options_(options),
        routes_(node, options, std::move(setup.access), std::move(setup.page), setup.endpoint.address().is_loopback()),
        doorkeeper_(std::make_shared<doorkeeper>(options.limits)),
        tls_(std::move(setup.tls)) {
    for (auto i = std::size_t{0}; i < std::max<std::size_t>(1, options.io_threads); ++i)
      threads_.push_back(std::make_unique<io_thread>(node, options));
    acceptor_ = std::make_unique<tcp_acceptor>(threads_.front()->context());
    retry_ = std::make_unique<asio::steady_timer>(threads_.front()->context());
  }

  result<void> listen(tcp_acceptor bound) {
    auto failed = boost::system::error_code{};
    auto protocol = bound.local_endpoint(failed).protocol();
    auto socket = bound.release(failed);
    if (!failed) acceptor_->assign(protocol, socket, failed);
    if (!failed) acceptor_->listen(asio::socket_base::max_listen_connections, failed);
    if (failed) return tl::unexpected{listen_error(options_, failed)};
    return {};
  }

  void start() {
    for (auto& one : threads_) one->start();
    doorkeeper_->on_room([this] { asio::post(threads_.front()->context(), [this] { accept(); }); });
    asio::post(threads_.front()->context(), [this] { accept(); });
  }

  void set_draining(bool is_draining) {
    routes_.set_draining(is_draining);
    for (auto& one : threads_) one->drain(std::chrono::milliseconds{is_draining ? options_.limits.drain_ms : 0});
  }

  void stop_accepting() {
    routes_.set_stopping();
    asio::post(threads_.front()->context(), [this] {
      stopping_ = true;
      auto ignored = boost::system::error_code{};
      acceptor_->close(ignored);
      retry_->cancel();
    });
  }

  void stop(std::chrono::milliseconds patience) {
    auto until = std::chrono::steady_clock::now() + patience;
    while (connections() != 0 && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(stop_poll_interval);
    if (auto left = connections(); left != 0) logger().warn("{} connections did not close in time", left);
    for (auto& one : threads_) one->stop();
    doorkeeper_->on_room({});  // those who leave from here on find nobody to call
  }

  std::uint16_t port() const { return acceptor_->local_endpoint().port(); }

  std::string url() const {
    auto host = options_.listen_address;
    if (host.find(':') != std::string::npos) host = '[' + host + ']';
    return (tls_ ? "https://" : "http://") + host + ':' + std::to_string(port());
  }

 private:
  std::size_t connections() const {
    auto total = std::size_t{0};
    for (const auto& one : threads_) total += one->connection_count();
    return total;
  }

  io_thread& least_busy() {
    auto best = std::ranges::min_element(threads_, {}, [](const auto& one) { return one->connection_count(); });
    // Connections count from their upgrade on; until then it is turn about.
    if ((*best)->connection_count() == threads_.front()->connection_count())
      return *threads_[next_thread_++ % threads_.size()];
    return **best;
  }

  void accept() {
    if (stopping_ || accepting_ || doorkeeper_->handshakes_full()) return;
    accepting_ = true;
    auto& thread = least_busy();
    acceptor_->async_accept(thread.context(),
                            [this, &thread](const boost::system::error_code& failed, tcp_socket socket) {
                              accepting_ = false;
                              if (stopping_) return;
                              if (failed) {
                                if (failed != asio::error::connection_aborted)
                                  logger().warn("cannot accept a connection: {}", failed.message());
                                retry_->expires_after(accept_retry_delay);
                                retry_->async_wait([this](const boost::system::error_code& cancelled) {
                                  if (!cancelled) accept();
                                });
                                return;
                              }
                              accepted(thread, std::move(socket));
                              accept();
                            });
  }

  void accepted(io_thread& thread, tcp_socket socket) {
    auto failed = boost::system::error_code{};
    auto peer = socket.remote_endpoint(failed);
    if (failed) return;
    auto address = peer.address().to_string();
    auto place = doorkeeper_->let_in(address);
    if (!place) {
      node_.counters().connections_refused.fetch_add(1, std::memory_order_relaxed);
      if (!tls_) {
        socket.non_blocking(true, failed);
        socket.write_some(asio::buffer(overloaded_answer()), failed);
      }
      return;
    }
    node_.counters().connections_accepted.fetch_add(1, std::memory_order_relaxed);
    socket.set_option(asio::ip::tcp::no_delay{true}, failed);
    auto name = address + ':' + std::to_string(peer.port());
    asio::post(thread.context(), [this, &thread, name, place, socket = std::move(socket)]() mutable {
      serve_http(thread, routes_, std::move(socket), tls_.get(), std::move(name), std::move(place));
    });
  }

  actors::node& node_;
  const net_options& options_;
  routes routes_;
  std::shared_ptr<doorkeeper> doorkeeper_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<io_thread>> threads_;
  std::unique_ptr<tcp_acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> retry_;
  std::size_t next_thread_ = 0;
  bool accepting_ = false;
  bool stopping_ = false;
};

server_setup::server_setup(std::unique_ptr<parts> parts) : parts_(std::move(parts)) {}
server_setup::server_setup(server_setup&&) noexcept = default;
server_setup& server_setup::operator=(server_setup&&) noexcept = default;
server_setup::~server_setup() = default;

result<server_setup> server_setup::make(const net_options& options, access_policy access) {
  auto failed = boost::system::error_code{};
  auto address = asio::ip::make_address(options.listen_address, failed);
  if (failed)
    return fail(errc::invalid_argument,
                "'" + options.listen_address + "' is no address to listen on (such as 127.0.0.1, 0.0.0.0 or ::)");
  if (!address.is_loopback() && access.is_open() && !options.open_beyond_loopback)
    return fail(errc::invalid_argument,
                "listening beyond loopback without a secret would let everybody read and write every document; give "
                "--secret-file FILE (octavo token makes tokens for it), or say --open if that is what you want");
  auto made = std::make_unique<parts>(std::move(access));
  made->endpoint = {address, options.listen_port};
  if (!options.web_root.empty()) {
    auto read = static_files::read(options.web_root);
    if (!read) return tl::unexpected{read.error()};
    made->page = std::move(*read);
  }
  if (options.tls.enabled()) {
    auto tls = make_tls(options.tls);
    if (!tls) return tl::unexpected{tls.error()};
    made->tls = std::move(*tls);
  }
  if (auto bound = made->bind(options); !bound) return tl::unexpected{bound.error()};
  return server_setup{std::move(made)};
}

result<std::unique_ptr<server>> server::open(actors::node& node, const net_options& options, access_policy access) {
  auto setup = server_setup::make(options, std::move(access));
  if (!setup) return tl::unexpected{setup.error()};
  return open(node, options, std::move(*setup));
}

result<std::unique_ptr<server>> server::open(actors::node& node, const net_options& options, server_setup setup) {
  auto made = std::make_unique<impl>(node, options, *setup.parts_);
  if (auto listening = made->listen(std::move(setup.parts_->acceptor)); !listening)
    return tl::unexpected{listening.error()};
  return std::unique_ptr<server>{new server{std::move(made)}};
}

server::server(std::unique_ptr<impl> impl) : impl_(std::move(impl)) {}
server::~server() = default;

void server::start() {
  impl_->start();
}
void server::set_draining(bool is_draining) {
  impl_->set_draining(is_draining);
}
void server::stop_accepting() {
  impl_->stop_accepting();
}
void server::stop(std::chrono::milliseconds patience) {
  impl_->stop(patience);
}
std::uint16_t server::port() const {
  return impl_->port();
}
std::string server::url() const {
  return impl_->url();
}

}  // namespace octavo::net
