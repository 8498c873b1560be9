#include "crdt/document.hpp"

#include <algorithm>

#include "crdt/any.hpp"
#include "crdt/encoded_update.hpp"
#include "crdt/internal/encode.hpp"
#include "crdt/internal/engine.hpp"
#include "crdt/internal/render.hpp"
#include "crdt/json.hpp"

namespace octavo::crdt {

document::document(const document_options& options) : engine_(std::make_unique<internal::engine>(options)) {}
document::document(document&&) noexcept = default;
document& document::operator=(document&&) noexcept = default;
document::~document() = default;

const document_options& document::options() const {
  return engine_->options;
}

void document::prune(decoded_update& update) const {
  engine_->prune(update);
}

result<apply_report, apply_errc> document::apply(const decoded_update& update) {
  return engine_->apply(update, internal::engine::source::peer);
}

std::size_t document::memory_needed(const decoded_update& update) {
  return internal::memory_needed(update);
}

namespace {

// A document that is still empty is loaded where that can be done, in an engine of its own until it is.
std::optional<apply_report> load(std::unique_ptr<internal::engine>& to, bytes_view update, const decode_limits& limits,
                                 internal::engine::source from) {
  auto loading = std::make_unique<internal::engine>(to->options);
  auto loaded = loading->load_v1(update, limits, from);
  if (loaded) to = std::move(loading);
  return loaded;
}

result<apply_report, document::bytes_error> apply_bytes(std::unique_ptr<internal::engine>& to, bytes_view update,
                                                        update_encoding encoding, const decode_limits& limits,
                                                        internal::engine::source from) {
  if (encoding == update_encoding::v1 && to->untouched()) {
    if (auto loaded = load(to, update, limits, from)) return *loaded;
  }
  decoded_update decoded;
  if (auto done = decode_update(update, encoding, decoded, limits); !done)
    return document::bytes_error{done.error(), std::nullopt};
  auto applied = to->apply(decoded, from);
  if (!applied) return document::bytes_error{std::nullopt, applied.error()};
  return *applied;
}

}  // namespace

result<apply_report, document::bytes_error> document::apply_v1(bytes_view update, const decode_limits& limits) {
  return apply_bytes(engine_, update, update_encoding::v1, limits, internal::engine::source::peer);
}

result<apply_report, document::bytes_error> document::apply_v2(bytes_view update, const decode_limits& limits) {
  return apply_bytes(engine_, update, update_encoding::v2, limits, internal::engine::source::peer);
}

result<apply_report, document::bytes_error> document::apply_stored_v1(bytes_view update) {
  return apply_bytes(engine_, update, update_encoding::v1, no_limits, internal::engine::source::stored);
}

bool document::usable() const {
  return engine_->usable;
}

state_vector document::state() const {
  const auto& data = engine_->data;
  std::vector<state_vector::entry> entries;
  entries.reserve(data.client_count());
  for (const auto client : data.clients_descending())
    entries.push_back({data.log(client).id(), data.log(client).end()});
  return state_vector(std::move(entries));
}

bytes document::encode_state_vector() const {
  return crdt::encode_state_vector(state());
}

std::uint32_t document::clock(std::uint64_t client) const {
  return engine_->data.clock_of(client);
}

bytes document::encode_state_as_update_v1(const state_vector& since) const {
  return internal::encode_state(*engine_, since, update_encoding::v1);
}

bytes document::encode_state_as_update_v2(const state_vector& since) const {
  return internal::encode_state(*engine_, since, update_encoding::v2);
}

std::vector<bytes> document::encode_state_chunks_v1(const state_vector& since, std::size_t max_chunk_bytes) const {
  return internal::encode_chunks(*engine_, since, max_chunk_bytes);
}

std::vector<std::string> document::root_names() const {
  std::vector<std::string> names;
  for (const auto root : engine_->data.roots())
    names.emplace_back(engine_->data.names.name(engine_->data.type(root).name));
  return names;
}

type_kind document::root_kind(std::string_view root) const {
  const auto found = engine_->data.find_root(root);
  return found == internal::nil ? type_kind::root : internal::infer_kind(engine_->data, found);
}

std::string document::text(std::string_view root) const {
  std::string out;
  const auto found = engine_->data.find_root(root);
  if (found != internal::nil) internal::append_text(engine_->data, found, out);
  return out;
}

std::string document::delta_json(std::string_view root) const {
  const auto found = engine_->data.find_root(root);
  if (found == internal::nil) return "[]";
  std::string out;
  internal::append_delta(engine_->data, found, out);
  return out;
}

namespace {

std::string_view json_of_nothing(type_kind as) {
  switch (as) {
    case type_kind::array:
      return "[]";
    case type_kind::map:
    case type_kind::xml_hook:
      return "{}";
    case type_kind::root:
      return "null";
    default:
      return "\"\"";
  }
}

}  // namespace

std::string document::json(std::string_view root, type_kind as) const {
  const auto found = engine_->data.find_root(root);
  if (found == internal::nil) return std::string(json_of_nothing(as));
  std::string out;
  internal::append_json(engine_->data, found, out, as);
  return out;
}

std::string document::xml(std::string_view root) const {
  std::string out;
  const auto found = engine_->data.find_root(root);
  if (found != internal::nil) internal::append_xml(engine_->data, found, out);
  return out;
}

std::string document::to_json() const {
  std::vector<std::string> names = root_names();
  std::sort(names.begin(), names.end(), internal::utf16_order());
  std::string out = "{";
  for (const auto& name : names) {
    if (out.size() > 1) out += ',';
    append_json_string(name, out);
    out += ':';
    internal::append_json(engine_->data, engine_->data.find_root(name), out);
  }
  return out += '}';
}

void document::visit(std::string_view root, tree_visitor& visitor) const {
  const auto found = engine_->data.find_root(root);
  if (found != internal::nil) internal::walk(engine_->data, found, visitor);
}

std::uint64_t document::length(std::string_view root) const {
  const auto found = engine_->data.find_root(root);
  return found == internal::nil ? 0 : engine_->data.type(found).length;
}

std::vector<document::subdocument> document::subdocuments() const {
  std::vector<subdocument> found;
  const auto& data = engine_->data;
  for (std::uint32_t index = 0; index < data.items.size(); ++index) {
    if (data.items.is_free(index)) continue;
    const auto& each = data.at(index);
    if (each.deleted || each.kind() != content_kind::doc) continue;
    lib0_reader reader(as_bytes(data.content_of(each)));
    std::string_view guid;
    reader.var_string(guid);
    found.push_back({std::string(guid), {}});
    append_any_json(reader, found.back().options_json);
  }
  return found;
}

document_stats document::stats() const {
  const auto& data = engine_->data;
  document_stats stats;
  stats.clients = data.client_count();
  for (std::uint32_t client = 0; client < data.client_count(); ++client) stats.structs += data.log(client).size();
  stats.items = data.items.used();
  stats.deleted_items = data.deleted_items;
  for (const auto& each : data.branches) stats.types += each.used;
  stats.names = data.names.size();
  stats.pending_structs = engine_->pending.struct_count();
  stats.pending_delete_ranges = engine_->pending.delete_count();
  stats.pending_ready = engine_->pending.ready_count();
  stats.pending_bytes = engine_->pending.memory();
  stats.content_bytes = data.contents.size() - data.contents.waste();
  stats.memory_bytes = sizeof(document) + engine_->memory();
  return stats;
}

std::optional<std::string> document::check_integrity() const {
  std::string fault = internal::find_fault(engine_->data);
  if (fault.empty() && engine_->delete_set() != internal::encode_delete_set(engine_->data))
    fault = "the delete set that is kept is not that of the structs";
  if (fault.empty()) return std::nullopt;
  return fault;
}

std::string document::canonical_dump() const {
  return internal::dump(engine_->data);
}

}  // namespace octavo::crdt
