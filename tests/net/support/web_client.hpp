// A WebSocket client and a bare HTTP one, with deadlines. Beast is in the source file alone, so that the tests compile
// quickly. One thread: the client's socket works while one of its functions runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crdt/bytes.hpp"
#include "tests/support/eventually.hpp"

namespace octavo::test {

struct web_client_options {
  std::vector<std::pair<std::string, std::string>> headers;
  bool reads = true;  ///< false: takes nothing from the socket before start_reading(), and has small buffers
};

class web_client {
 public:
  /// Connects to ws://127.0.0.1:<port><target>.
  web_client(std::uint16_t port, const std::string& target, const web_client_options& options = {});
  ~web_client();
  web_client(const web_client&) = delete;
  web_client& operator=(const web_client&) = delete;

  /// The status of the answer to the upgrade: 101 if the WebSocket is open.
  int status() const;
  /// False if the connection ended or did not take it in time.
  bool send(bytes_view frame, bool binary = true);
  /// The next frame; nothing if the connection ended or none came in time.
  std::optional<bytes> receive(std::chrono::milliseconds at_most = patience);
  void start_reading();
  /// Waits for the end: the code of the server's close frame, 0 if the socket ended without, nothing if it is open yet.
  std::optional<std::uint16_t> closed(std::chrono::milliseconds at_most = patience);
  /// Lets the socket work for a while.
  void work(std::chrono::milliseconds duration);
  /// Ends the socket without a word.
  void drop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Sends text to 127.0.0.1:<port> and reads until the server closes: all that it said; nothing if it did not close in
/// time.
std::optional<std::string> talk(std::uint16_t port, std::string_view text,
                                std::chrono::milliseconds at_most = patience);

}  // namespace octavo::test
