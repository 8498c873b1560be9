// What happens when a client is slower, or faster, than the server: bounded memory, and nothing missing in the end.
#include <doctest/doctest.h>

#include <thread>

#include "tests/net/support/test_server.hpp"

using namespace octavo;
using namespace octavo::net;
using namespace octavo::test;

TEST_CASE("a reader that lags is not sent everything: its queue stays short, and it gets a difference later") {
  auto options = net_options{};
  options.limits.send_queue_bytes_max = 10'000;
  auto server = test_server{options};
  auto writer = test_editor{server, "/notes"};
  auto lagging = web_client_options{};
  lagging.reads = false;
  auto reader = test_editor{server, "/notes", lagging};
  REQUIRE(writer.synced());
  // More than the kernel takes for a socket that nobody reads.
  constexpr auto edits = 150;
  constexpr auto edit_bytes = std::size_t{100'000};
  auto queued_max = std::int64_t{0};
  for (auto i = 0; i < edits; ++i) {
    writer.type(std::string(edit_bytes, 'x'));
    REQUIRE(writer.is_durable());
    queued_max = std::max(queued_max, server.counters().send_queue_bytes.load());
  }
  CHECK(queued_max < static_cast<std::int64_t>(10'000 + 4 * edit_bytes));
  reader.socket().start_reading();
  CHECK(reader.until([&] { return reader.document().length("text") == edits * edit_bytes; }));
  CHECK(server.counters().resyncs >= 1);
  CHECK(reader.update_frames() < edits);
  // And from here on it is a client like any other.
  writer.type("end");
  CHECK(reader.until([&] { return reader.document().length("text") == edits * edit_bytes + 3; }));
}

TEST_CASE("a reader that never reads is ended, and nobody waits for it") {
  auto options = net_options{};
  options.limits.send_timeout_ms = 500;
  auto server = test_server{options};
  auto writer = test_editor{server, "/notes"};
  auto lagging = web_client_options{};
  lagging.reads = false;
  auto reader = test_editor{server, "/notes", lagging};
  REQUIRE(eventually([&] { return server.counters().sessions_open == 2; }));
  for (auto i = 0; i < 150 && server.counters().sessions_open == 2; ++i) {
    writer.type(std::string(100'000, 'x'));
    REQUIRE(writer.is_durable());
  }
  CHECK(eventually([&] { return server.counters().sessions_open == 1; }));
  CHECK(eventually([&] { return server.counters().send_queue_bytes == 0; }));
}

TEST_CASE("a client that asks more than its window is not listened to, and is served in the end") {
  auto options = net_options{};
  options.limits.window_bytes = 2'000;
  auto server = test_server{options};
  auto writer = test_editor{server, "/notes"};
  REQUIRE(writer.synced());
  auto unanswered_max = std::int64_t{0};
  for (auto i = 0; i < 200; ++i) {
    writer.type(std::string(500, 'x'));
    unanswered_max = std::max(unanswered_max, server.counters().unanswered_bytes.load());
  }
  CHECK(writer.is_durable());
  CHECK(unanswered_max < 4'000);
  CHECK(eventually([&] { return server.counters().unanswered_bytes == 0; }));
  CHECK((*server.node().store().find("notes"))->last_seq == 200);
}

TEST_CASE("a client that asks for everything again and again gets one answer at a time") {
  auto server = test_server{};
  auto writer = test_editor{server, "/notes"};
  constexpr auto document_bytes = std::size_t{20'000'000};  // more than the kernel takes
  for (auto i = 0; i < 10; ++i) writer.type(std::string(document_bytes / 10, 'x'));
  REQUIRE(writer.is_durable());
  auto lagging = web_client_options{};
  lagging.reads = false;
  auto greedy = test_editor{server, "/notes", lagging};
  // Of a client that nobody knows: everything is lacking, and yet no answer that is kept will do.
  for (auto i = 0; i < 300; ++i) greedy.socket().send(i % 2 == 0 ? hex("00 00 03 01 01 01") : hex("03"));
  CHECK(eventually([&] { return server.counters().send_queue_bytes > static_cast<std::int64_t>(document_bytes / 2); }));
  auto queued_max = std::int64_t{0};
  for (auto i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    queued_max = std::max(queued_max, server.counters().send_queue_bytes.load());
  }
  CHECK(queued_max < static_cast<std::int64_t>(2 * document_bytes));
  greedy.socket().start_reading();
  CHECK(greedy.is_durable());
  CHECK(greedy.until([&] { return greedy.document().length("text") == document_bytes; }));
}

TEST_CASE("a client that is too fast is slowed down, not cut off") {
  auto options = net_options{};
  options.limits.messages_per_s = 100;
  options.limits.messages_burst = 10;
  auto server = test_server{options};
  auto writer = test_editor{server, "/notes"};
  REQUIRE(writer.synced());
  const auto started = std::chrono::steady_clock::now();
  for (auto i = 0; i < 60; ++i) writer.type("x");
  CHECK(writer.is_durable());
  CHECK(std::chrono::steady_clock::now() - started > std::chrono::milliseconds{400});
  CHECK(server.counters().edits_durable == 60);
}
