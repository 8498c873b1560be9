// Any bytes as the body of a request for documents, and of an answer to one, with the checksum that belongs to them:
// they are refused with a reason, or written again as they were.
#include "cluster/transfer.hpp"
#include "storage/codec.hpp"
#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using fuzz::require;
  auto sealed = std::string{as_text(fuzz::view(data, size))};
  storage::seal({}, sealed);
  if (const auto request = cluster::decode_transfer_request(as_bytes(sealed)))
    require(as_text(cluster::encode(*request)) == sealed, "a request has one form");
  else
    require(!request.error().message.empty(), "a request is refused with a reason");
  if (const auto answer = cluster::decode_transfer_answer(as_bytes(sealed)))
    require(as_text(cluster::encode(*answer)) == sealed, "an answer has one form");
  else
    require(!answer.error().message.empty(), "an answer is refused with a reason");
  return 0;
}
