// A real etcd of one member, as a child process on loopback, with a data folder of its own. It dies with the test.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/etcd_types.hpp"

namespace octavo::test {

/// A port of loopback that was free just now. Whoever takes it may find that another was faster, and asks again.
inline std::uint16_t free_port() {
  const auto socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto size = socklen_t{sizeof address};
  const auto failed = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
                      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0;
  ::close(socket);
  if (failed) throw std::runtime_error{"no port of loopback is free"};
  return ntohs(address.sin_port);
}

class etcd_process {
 public:
  explicit etcd_process(std::vector<std::string> more_arguments = {}) : more_(std::move(more_arguments)) {
    auto name = (std::filesystem::temp_directory_path() / "octavo-etcd-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no folder for etcd can be made"};
    folder_ = name;
    try {
      choose_ports();
    } catch (...) {
      std::filesystem::remove_all(folder_);
      throw;
    }
  }
  ~etcd_process() {
    kill();
    auto ignored = std::error_code{};
    std::filesystem::remove_all(folder_, ignored);
  }
  etcd_process(const etcd_process&) = delete;
  etcd_process& operator=(const etcd_process&) = delete;

  /// Starts it and waits until it answers; throws if it ends before, or never does.
  void start() {
    // Somebody may have its port for a moment: an outgoing connection, or another test that looks for one.
    for (auto tries = 1; tries <= starts_max; ++tries) {
      spawn();
      if (answers()) return;
      kill();
      std::this_thread::sleep_for(std::chrono::milliseconds{500});
    }
    throw std::runtime_error{"etcd does not start; see " + log_path()};
  }
  /// SIGKILL: what it has not synced is lost to it, and its connections are reset.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void stop() const { ::kill(pid_, SIGSTOP); }
  void cont() const { ::kill(pid_, SIGCONT); }
  /// On the same data and ports.
  void restart() {
    kill();
    start();
  }

  cluster::host_port endpoint() const { return {"127.0.0.1", client_port_}; }

 private:
  static constexpr auto starts_max = 5;
  static constexpr auto start_patience = std::chrono::seconds{60};

  void choose_ports() {
    for (auto tries = 1;; ++tries) {
      client_port_ = free_port();
      do peer_port_ = free_port();
      while (peer_port_ == client_port_);
      spawn();
      if (answers()) return;
      kill();
      if (tries == starts_max) throw std::runtime_error{"etcd does not start; is Debian's etcd-server installed?"};
      // The ports are written in its data.
      std::filesystem::remove_all(folder_ / "data");
    }
  }

  std::string log_path() const { return (folder_ / "log").string(); }

  void spawn() {
    const auto client = "http://127.0.0.1:" + std::to_string(client_port_);
    const auto peer = "http://127.0.0.1:" + std::to_string(peer_port_);
    auto words = std::vector<std::string>{"etcd",
                                          "--data-dir",
                                          (folder_ / "data").string(),
                                          "--listen-client-urls",
                                          client,
                                          "--advertise-client-urls",
                                          client,
                                          "--listen-peer-urls",
                                          peer,
                                          "--initial-advertise-peer-urls",
                                          peer,
                                          "--initial-cluster",
                                          "default=" + peer};
    words.insert(words.end(), more_.begin(), more_.end());
    auto arguments = std::vector<char*>{};
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const auto log = log_path();
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error{"no process for etcd can be made"};
    if (pid_ != 0) return;
    // The parent may have ended between fork and prctl.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const auto out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }

  bool answers() {
    const auto until = std::chrono::steady_clock::now() + start_patience;
    while (std::chrono::steady_clock::now() < until) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      if (is_healthy()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
  }

  /// It listens before it has chosen itself as its leader, and answers only then.
  bool is_healthy() const {
    const auto socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto at_most = timeval{2, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_port = htons(client_port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto asked = std::string_view{"GET /health HTTP/1.0\r\n\r\n"};
    auto answer = std::string{};
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::send(socket, asked.data(), asked.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(asked.size())) {
      char piece[512];
      for (auto size = ssize_t{0}; (size = ::recv(socket, piece, sizeof piece, 0)) > 0;)
        answer.append(piece, static_cast<std::size_t>(size));
    }
    ::close(socket);
    return answer.starts_with("HTTP/1.0 200") && answer.find(R"("health":"true")") != std::string::npos;
  }

  std::vector<std::string> more_;
  std::filesystem::path folder_;
  std::uint16_t client_port_ = 0;
  std::uint16_t peer_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace octavo::test
