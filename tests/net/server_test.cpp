// A real server and real sockets: what opens, what is refused, and how connections end.
#include "net/server.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/net/support/test_server.hpp"

using namespace octavo;
using namespace octavo::net;
using namespace octavo::test;

namespace {

const auto secret = std::string{"0123456789abcdef0123456789abcdef"};

std::string token_for(std::vector<std::string> documents, std::int64_t lifetime_s = 600, bool may_write = true) {
  const auto now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return *make_token({std::move(documents), may_write, "ann", now_s + lifetime_s}, secret, now_s);
}

net_options with_limits(const connection_limits& limits) {
  auto options = net_options{};
  options.limits = limits;
  return options;
}

/// Connects and says nothing.
struct silent_socket {
  explicit silent_socket(std::uint16_t port) { socket.connect({boost::asio::ip::make_address("127.0.0.1"), port}); }
  boost::asio::io_context context;
  boost::asio::ip::tcp::socket socket{context};
};

/// Why a server does not open.
error refusal(const net_options& options, access_policy access = access_policy::open()) {
  auto node = test_node{};
  auto opened = server::open(*node, options, std::move(access));
  REQUIRE_FALSE(opened);
  return opened.error();
}

}  // namespace

TEST_CASE("what one socket types another reads, and later ones find") {
  auto options = net_options{};
  SUBCASE("with one I/O thread") {}
  SUBCASE("with two") {
    options.io_threads = 2;
  }
  SUBCASE("with compression") {
    options.compression = true;
  }
  auto server = test_server{options};
  auto ann = test_editor{server, "/team/notes"};
  auto ben = test_editor{server, "/team/notes"};
  REQUIRE(ann.synced());
  REQUIRE(ben.synced());
  ann.type("hello");
  CHECK(ann.is_durable());
  CHECK(ben.sees("hello"));
  ben.type("world");
  CHECK(ann.until([&] { return ann.text().size() == 10; }));
  auto cleo = test_editor{server, "/team%2Fnotes"};
  CHECK(cleo.sees(ann.text()));
  CHECK(server.counters().connections_accepted == 3);
}

TEST_CASE("a subprotocol that a client offers is taken") {
  auto server = test_server{};
  auto options = web_client_options{};
  options.headers = {{"Sec-WebSocket-Protocol", "octavo-test, other"}};
  CHECK(test_editor(server, "/notes", options).synced());
}

TEST_CASE("plain HTTP is answered beside it, several requests on one connection") {
  auto server = test_server{};
  const auto said = talk(server.port(),
                         "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                         "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  REQUIRE(said);
  CHECK(said->find("ok\n") != std::string::npos);
  CHECK(said->find("ready\n") != std::string::npos);
}

TEST_CASE("what is no HTTP, and what is too large, is answered and ended") {
  auto limits = connection_limits{};
  limits.http_header_bytes_max = 1'000;
  limits.http_body_bytes_max = 1'000;
  auto server = test_server{with_limits(limits)};
  CHECK(talk(server.port(), "\x16\x03\x01 hello\r\n\r\n")->starts_with("HTTP/1.1 400 "));
  CHECK(talk(server.port(), "GET / HTTP/1.1\r\nX: " + std::string(2'000, 'x') + "\r\n\r\n")
            ->starts_with("HTTP/1.1 413 "));
  CHECK(talk(server.port(), "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n")
            ->starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a page of another site gets 403, whether it asks or opens a WebSocket") {
  auto server = test_server{};
  auto options = web_client_options{};
  options.headers = {{"Origin", "https://evil.example"}};
  CHECK(test_editor(server, "/notes", options).socket().status() == 403);
  options.headers = {{"Origin", "http://localhost:5173"}};
  CHECK(test_editor(server, "/notes", options).synced());
  CHECK(talk(server.port(), "GET /api/documents HTTP/1.1\r\nHost: rebound.example\r\n\r\n")
            ->starts_with("HTTP/1.1 403 "));
}

TEST_CASE("a name that no document can have is refused before the upgrade") {
  auto server = test_server{};
  CHECK(web_client(server.port(), "/").status() == 400);
  CHECK(web_client(server.port(), "/%ff").status() == 400);
  CHECK(web_client(server.port(), "/" + std::string(600, 'x')).status() == 400);
}

TEST_CASE("without a token the connection ends with 4401, with one for another document with 4403") {
  auto server = test_server{{}, access_policy::by_token(secret)};
  auto nobody = web_client{server.port(), "/notes"};
  CHECK(nobody.status() == 101);
  CHECK(nobody.closed() == 4401);
  CHECK(web_client(server.port(), "/notes?token=nonsense").closed() == 4401);
  CHECK(web_client(server.port(), "/notes?token=" + token_for({"other"})).closed() == 4403);
  CHECK(test_editor(server, "/notes?token=" + token_for({"notes"})).synced());
  auto options = web_client_options{};
  options.headers = {{"Authorization", "Bearer " + token_for({"notes"})}};
  CHECK(test_editor(server, "/notes", options).synced());
  options.headers = {{"Cookie", "octavo_token=" + token_for({"notes"})}};
  CHECK(test_editor(server, "/notes", options).synced());
}

TEST_CASE("a reader's token reads and does not write") {
  auto server = test_server{{}, access_policy::by_token(secret)};
  auto writer = test_editor{server, "/notes?token=" + token_for({"notes"})};
  auto reader = test_editor{server, "/notes?token=" + token_for({"notes"}, 600, false)};
  writer.type("a");
  REQUIRE(writer.is_durable());
  CHECK(reader.sees("a"));
  reader.type("b");
  writer.type("c");
  REQUIRE(writer.is_durable());
  auto later = test_editor{server, "/notes?token=" + token_for({"notes"})};
  CHECK(later.sees("ac"));
  CHECK(eventually([&] { return server.counters().edits_refused == 1; }));
}

TEST_CASE("an expired token ends an open connection with 4401") {
  auto server = test_server{{}, access_policy::by_token(secret)};
  auto editor = test_editor{server, "/notes?token=" + token_for({"notes"}, 8)};
  CHECK(editor.synced());
  CHECK(editor.socket().closed() == 4401);
}

TEST_CASE("a message over the limit closes with 1009, and one below it does not") {
  auto limits = connection_limits{};
  limits.frame_bytes_max = 1'000;
  auto server = test_server{with_limits(limits)};
  auto good = test_editor{server, "/notes"};
  good.type(std::string(900, 'x'));
  CHECK(good.is_durable());
  auto bad = test_editor{server, "/notes"};
  REQUIRE(bad.synced());
  bad.socket().send(bytes(1'001));
  CHECK(bad.socket().closed() == 1009);
  good.type("y");
  CHECK(good.is_durable());
}

TEST_CASE("a text frame ends the connection with a code that says so") {
  auto server = test_server{};
  auto editor = test_editor{server, "/notes"};
  REQUIRE(editor.synced());
  editor.socket().send(as_bytes("hello"), false);
  CHECK(editor.socket().closed() == 1008);
}

TEST_CASE("malformed frames are passed over until there are too many") {
  auto limits = connection_limits{};
  limits.bad_messages_max = 3;
  auto server = test_server{with_limits(limits)};
  auto editor = test_editor{server, "/notes"};
  editor.socket().send(hex("ff"));
  editor.socket().send(hex("00 02 05 00"));
  editor.type("a");
  CHECK(editor.is_durable());
  editor.socket().send(hex("63"));
  CHECK(editor.socket().closed() == 1008);
  CHECK(server.counters().bad_messages == 3);
}

TEST_CASE("a client hears something at least so often, though nothing happens") {
  auto limits = connection_limits{};
  limits.keepalive_ms = 200;
  auto server = test_server{with_limits(limits)};
  auto socket = web_client{server.port(), "/notes"};
  auto kept = 0;
  while (kept < 2) {
    const auto frame = socket.receive();
    REQUIRE(frame);
    if (to_hex(*frame) == "010100") ++kept;
  }
}

TEST_CASE("beyond the limit of connections a client gets 503, and a place that is left is free again") {
  auto limits = connection_limits{};
  SUBCASE("in all") {
    limits.connections_max = 2;
  }
  SUBCASE("of one address") {
    limits.connections_per_address_max = 2;
  }
  auto server = test_server{with_limits(limits)};
  auto ann = test_editor{server, "/notes"};
  auto ben = std::make_unique<test_editor>(server, "/notes");
  REQUIRE(ann.synced());
  REQUIRE(ben->synced());
  const auto refused = talk(server.port(), "");
  REQUIRE(refused);
  CHECK(refused->starts_with("HTTP/1.1 503 "));
  CHECK(server.counters().connections_refused == 1);
  ben.reset();
  CHECK(eventually([&] { return web_client(server.port(), "/notes").status() == 101; }));
}

TEST_CASE("a connection that says nothing is ended") {
  auto limits = connection_limits{};
  limits.handshake_timeout_ms = 100;
  auto server = test_server{with_limits(limits)};
  CHECK(talk(server.port(), "") == "");
  CHECK(talk(server.port(), "GET / HTT") == "");
}

TEST_CASE("sockets that say nothing do not keep others out for long") {
  auto limits = connection_limits{};
  limits.handshakes_max = 4;
  limits.handshake_timeout_ms = 60'000;
  auto server = test_server{with_limits(limits)};
  auto silent = std::vector<std::unique_ptr<silent_socket>>{};
  for (auto i = 0; i < 4; ++i) silent.push_back(std::make_unique<silent_socket>(server.port()));
  auto ann = test_editor{server, "/notes"};
  CHECK(ann.synced());
}

TEST_CASE("a session ends with its socket, whichever way that goes") {
  auto server = test_server{};
  auto ann = test_editor{server, "/notes"};
  auto ben = test_editor{server, "/notes"};
  REQUIRE(ann.synced());
  REQUIRE(ben.synced());
  CHECK(server.counters().sessions_open == 2);
  ann.socket().drop();
  CHECK(eventually([&] { return server.counters().sessions_open == 1; }));
}

TEST_CASE("a server that stops closes its connections with 1012, and keeps what they wrote") {
  auto server = test_server{};
  auto editor = test_editor{server, "/notes"};
  editor.type("kept");
  REQUIRE(editor.is_durable());
  (*server).stop_accepting();
  REQUIRE(server.node()->stop(std::chrono::seconds{30}));
  CHECK(editor.socket().closed() == 1012);
  CHECK((*server.node().store().find("notes"))->last_seq == 1);
}

TEST_CASE("two servers do not share a port, and the second says so") {
  auto server = test_server{};
  auto options = net_options{};
  options.listen_port = server.port();
  const auto why = refusal(options);
  CHECK(why.code == errc::unavailable);
  CHECK(why.message.find("in use") != std::string::npos);
  CHECK(why.message.find(std::to_string(server.port())) != std::string::npos);
}

TEST_CASE("beyond loopback a server needs a secret or an explicit choice") {
  auto options = net_options{};
  options.listen_port = 0;
  for (const auto* address : {"0.0.0.0", "::", "10.1.2.3"}) {
    options.listen_address = address;
    const auto why = refusal(options);
    CHECK(why.code == errc::invalid_argument);
    CHECK(why.message.find("--secret-file") != std::string::npos);
  }
}

TEST_CASE("an address, a certificate or a page that cannot be used is an error that names it") {
  auto options = net_options{};
  options.listen_port = 0;
  options.listen_address = "somewhere";
  CHECK(refusal(options).message.find("somewhere") != std::string::npos);
  options.listen_address = "127.0.0.1";
  options.web_root = "/nowhere/page";
  CHECK(refusal(options).message.find("/nowhere/page") != std::string::npos);
  options.web_root.clear();
  options.tls.certificate = "/nowhere/chain.pem";
  options.tls.key = "/nowhere/key.pem";
  CHECK(refusal(options).message.find("/nowhere/chain.pem") != std::string::npos);
}
