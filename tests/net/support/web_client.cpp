#include "tests/net/support/web_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>

namespace octavo::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using error_code = boost::system::error_code;

namespace {

asio::ip::tcp::endpoint server_at(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

}  // namespace

struct web_client::impl {
  asio::io_context context{1};
  websocket::stream<asio::ip::tcp::socket> stream{context};
  websocket::response_type response;
  beast::flat_buffer buffer;
  std::deque<bytes> frames;
  bool ended = false;

  /// Runs until something is so; false if that took too long.
  template <class Condition>
  bool run(Condition holds, std::chrono::milliseconds at_most) {
    const auto until = std::chrono::steady_clock::now() + at_most;
    context.restart();
    while (!holds()) {
      if (std::chrono::steady_clock::now() >= until) return false;
      // Nothing to do at all counts as waiting in vain.
      if (context.run_one_until(until) == 0 && context.stopped()) return holds();
    }
    return true;
  }

  template <class Start>
  bool finish(Start start, std::chrono::milliseconds at_most = patience) {
    auto outcome = std::make_shared<std::optional<error_code>>();
    start([outcome](error_code failed, auto...) { *outcome = failed; });
    return run([&] { return outcome->has_value(); }, at_most) && !**outcome;
  }

  void read() {
    stream.async_read(buffer, [this](error_code failed, std::size_t) {
      if (failed) {
        ended = true;
        return;
      }
      const auto data = buffer.cdata();
      const auto* first = static_cast<const std::byte*>(data.data());
      frames.emplace_back(first, first + data.size());
      buffer.consume(buffer.size());
      read();
    });
  }
};

web_client::web_client(std::uint16_t port, const std::string& target, const web_client_options& options)
    : impl_(std::make_unique<impl>()) {
  auto& socket = impl_->stream.next_layer();
  socket.open(asio::ip::tcp::v4());
  constexpr auto small_buffer_bytes = 8 * 1024;
  if (!options.reads) socket.set_option(asio::socket_base::receive_buffer_size{small_buffer_bytes});
  impl_->stream.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
    for (const auto& [name, value] : options.headers) request.set(name, value);
  }));
  impl_->stream.read_message_max(std::size_t{256} << 20);
  const auto connected = impl_->finish([&](auto done) { socket.async_connect(server_at(port), std::move(done)); });
  const auto host = "127.0.0.1:" + std::to_string(port);
  const auto open = connected && impl_->finish([&](auto done) {
    impl_->stream.async_handshake(impl_->response, host, target, std::move(done));
  });
  if (!open)
    impl_->ended = true;
  else if (options.reads)
    impl_->read();
}

web_client::~web_client() {
  drop();
}

int web_client::status() const {
  return static_cast<int>(impl_->response.result_int());
}

bool web_client::send(bytes_view frame, bool binary) {
  if (impl_->ended) return false;
  impl_->stream.binary(binary);
  return impl_->finish(
      [&](auto done) { impl_->stream.async_write(asio::buffer(frame.data(), frame.size()), std::move(done)); });
}

std::optional<bytes> web_client::receive(std::chrono::milliseconds at_most) {
  impl_->run([this] { return !impl_->frames.empty() || impl_->ended; }, at_most);
  if (impl_->frames.empty()) return {};
  auto frame = std::move(impl_->frames.front());
  impl_->frames.pop_front();
  return frame;
}

void web_client::start_reading() {
  impl_->read();
}

std::optional<std::uint16_t> web_client::closed(std::chrono::milliseconds at_most) {
  if (!impl_->run([this] { return impl_->ended; }, at_most)) return {};
  return impl_->stream.reason().code;
}

void web_client::work(std::chrono::milliseconds duration) {
  impl_->run([] { return false; }, duration);
}

void web_client::drop() {
  auto ignored = error_code{};
  impl_->stream.next_layer().close(ignored);
  impl_->run([this] { return impl_->ended; }, std::chrono::milliseconds{100});
  impl_->ended = true;
}

std::optional<std::string> talk(std::uint16_t port, std::string_view text, std::chrono::milliseconds at_most) {
  auto context = asio::io_context{1};
  auto socket = asio::ip::tcp::socket{context};
  auto failed = error_code{};
  socket.connect(server_at(port), failed);
  if (failed) return {};
  asio::write(socket, asio::buffer(text.data(), text.size()), failed);
  auto said = std::string{};
  auto ended = false;
  asio::async_read(socket, asio::dynamic_buffer(said), [&](error_code, std::size_t) { ended = true; });
  context.run_for(at_most);
  if (ended) return said;
  socket.close(failed);
  context.restart();
  context.run();
  return {};
}

}  // namespace octavo::test
