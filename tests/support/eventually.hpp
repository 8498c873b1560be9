// Waits for what other threads bring about: a condition with a deadline, so that no test sleeps for a guess.
#pragma once

#include <chrono>
#include <thread>

namespace octavo::test {

/// Generous, since sanitizers and busy machines are slow; a passing test never waits for it.
inline constexpr auto patience = std::chrono::seconds{30};

template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds at_most = patience) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return holds();
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace octavo::test
