// Any bytes as a client's frame: it is understood or refused with a reason, and what was understood is understood again
// as the same once the server writes it.
#include "net/dialect.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using kind = actors::client_input::kind_type;

/// The frame that the server would write for what a client said; nothing for a query, which holds no data.
net::out_frame written(const actors::client_input& input) {
  const auto& dialect = net::y_websocket();
  switch (input.kind) {
    case kind::sync:
      return dialect.state_vector(input.data);
    case kind::answer:
      return dialect.synced(input.data);
    case kind::edit:
      return dialect.update(input.data);
    case kind::presence:
      return dialect.presence(input.data);
    case kind::marker:
      return dialect.echo(input.data);
    case kind::query_presence:
      break;
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using octavo::fuzz::require;
  const auto frame = fuzz::view(data, size);
  const auto parsed = net::y_websocket().parse(frame);
  if (!parsed.input) return 0;
  require(parsed.error.empty(), "what is understood is not wrong");
  require(parsed.input->data.size() <= size, "nothing is longer than its frame");
  const auto again = written(*parsed.input);
  if (again.size() == 0) {
    require(parsed.input->kind == kind::query_presence, "only a query holds nothing");
    return 0;
  }
  auto joined = bytes{};
  for (const auto part : {as_bytes(again.prefix), again.body.view()})
    joined.insert(joined.end(), part.begin(), part.end());
  const auto reparsed = net::y_websocket().parse(joined);
  require(reparsed.input.has_value(), "the server's frame is understood");
  require(reparsed.input->kind == parsed.input->kind, "as the same kind");
  require(as_text(reparsed.input->data.view()) == as_text(parsed.input->data.view()), "with the same data");
  return 0;
}
