// Asking etcd and waiting for the answer, for threads that may.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "storage/result.hpp"

namespace octavo::cluster {

/// Calls something that answers by a callback, and waits for the answer. Every call of the client ends by itself.
template <class Answer, class Start>
result<Answer> wait_for(Start start) {
  auto done = std::make_shared<std::promise<result<Answer>>>();
  start([done](result<Answer> answer) { done->set_value(std::move(answer)); });
  return done->get_future().get();
}

}  // namespace octavo::cluster
