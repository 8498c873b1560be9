// Any bytes as a record in etcd, or as an answer of its gateway: refused with a reason, or read; and what was read is
// written as a record that reads the same. The first byte says as what they are read.
#include <string>

#include "cluster/etcd_codec.hpp"
#include "cluster/records.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using namespace octavo::cluster;
using fuzz::require;

template <class Read>
void try_record(Read read, std::string_view text) {
  const auto record = read(text);
  if (!record) {
    require(!record.error().message.empty(), "a record is refused with a reason");
    return;
  }
  const auto written = encode(*record);
  require(written.has_value(), "what can be read can be written");
  const auto again = read(*written);
  require(again.has_value() && *again == *record, "and reads the same");
}

template <class Answer>
void try_answer(const Answer& answer) {
  require(answer.has_value() || !answer.error().message.empty(), "an answer is refused with a reason");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = as_text(fuzz::view(data + 1, size - 1));
  const auto asked = etcd::page_request{"octavo/", etcd::end_of_prefix("octavo/"), 0, 100};
  switch (data[0] % 10) {
    case 0:
      try_record(decode_shard_record, text);
      break;
    case 1:
      try_record(decode_node_record, text);
      break;
    case 2:
      try_record(decode_cluster_meta, text);
      break;
    case 3:
      try_record(decode_cluster_orders, text);
      break;
    case 4:
      try_answer(etcd::read_page(text, asked));
      break;
    case 5:
      try_answer(etcd::read_txn(text, {"octavo/meta", {}, "value", 0}));
      break;
    case 6:
      try_answer(etcd::read_grant(text));
      break;
    case 7:
      try_answer(etcd::read_keep_alive(text, 7));
      break;
    case 8:
      try_answer(etcd::read_watch(text, "octavo/", 3));
      break;
    default:
      require(!etcd::read_refusal(503, text).what.message.empty(), "a refusal has words");
      break;
  }
  return 0;
}
