#include "storage/store.hpp"

#include "storage/shard_log.hpp"
#include "storage/store_impl.hpp"

namespace octavo::storage {

result<std::unique_ptr<store>> store::open(const store_options& options) {
  return open_store(options, {});
}

store::store(std::unique_ptr<impl> impl) : impl_(std::move(impl)) {}
store::~store() = default;

result<void> store::commit(std::span<const append> appends) {
  return impl_->commit(appends);
}

result<std::optional<document_info>> store::find(std::string_view name) const {
  return impl_->find(name);
}

result<document_info> store::load(std::string_view name, const load_visitor& visitor) const {
  return impl_->load(name, visitor);
}

result<loaded> store::load(std::string_view name) const {
  loaded whole;
  load_visitor visitor;
  visitor.on_snapshot = [&](std::uint64_t seq, bytes_view state) -> result<void> {
    whole.snapshot_seq = seq;
    whole.snapshot.emplace(state.begin(), state.end());
    return {};
  };
  visitor.on_record = [&](std::uint64_t seq, std::int64_t time_ms, std::string_view user,
                          bytes_view update) -> result<void> {
    whole.records.push_back({seq, time_ms, std::string(user), bytes(update.begin(), update.end())});
    return {};
  };
  auto info = impl_->load(name, visitor);
  if (!info) return tl::unexpected(info.error());
  whole.info = std::move(*info);
  return whole;
}

result<document_info> store::load_range(std::string_view name, std::uint64_t from, std::uint64_t to,
                                        const load_visitor& visitor) const {
  return impl_->load_range(name, from, to, visitor);
}

result<std::vector<record>> store::read_log(std::string_view name, std::uint64_t from_seq, std::size_t max_records,
                                            std::size_t max_bytes) const {
  return impl_->read_log(name, from_seq, max_records, max_bytes);
}

result<void> store::put_snapshot(std::string_view name, std::uint64_t seq, bytes_view state, std::int64_t time_ms,
                                 std::uint64_t id) {
  return impl_->put_snapshot(name, seq, state, time_ms, id);
}

result<void> store::put_version(std::string_view name, std::string_view label, std::uint64_t seq, bytes_view state,
                                std::int64_t time_ms, std::string_view user, std::uint64_t id) {
  return impl_->put_version(name, label, seq, state, time_ms, user, id);
}

result<std::vector<named_version>> store::list_versions(std::string_view name) const {
  return impl_->list_versions(name);
}

result<void> store::remove_version(std::string_view name, std::string_view label) {
  return impl_->remove_version(name, label);
}

result<void> store::quarantine_update(std::string_view name, std::int64_t time_ms, std::string_view user,
                                      std::string_view reason, bytes_view update, std::uint64_t id) {
  return impl_->quarantine_update(name, time_ms, user, reason, update, id);
}

result<std::vector<quarantined_update>> store::list_quarantine(std::string_view name) const {
  return impl_->list_quarantine(name);
}

result<void> store::set_quarantined(std::string_view name, std::string_view reason, std::uint64_t id) {
  return impl_->set_quarantine_reason(name, reason.empty() ? "no reason was given" : reason, id);
}

result<void> store::clear_quarantined(std::string_view name) {
  return impl_->set_quarantine_reason(name, {}, any_document);
}

result<void> store::commit_shards(std::span<const shard_write> writes) {
  return impl_->commit_shards(writes);
}

result<std::vector<stored_shard>> store::list_shards() const {
  return impl_->list_shards();
}

result<std::vector<stored_entry>> store::read_shard(std::uint32_t shard) const {
  return impl_->read_shard(shard);
}

result<std::vector<client_mark>> store::read_marks(std::uint32_t shard) const {
  return impl_->read_marks(shard);
}

result<page> store::list_shard_documents(std::uint32_t shard, std::string_view after, std::size_t limit) const {
  return impl_->list_shard_documents(shard, after, limit);
}

result<std::unique_ptr<shard_view>> store::view_shard(std::uint32_t shard) const {
  return impl_->view_shard(shard);
}

result<std::uint64_t> store::begin_copy(std::uint32_t shard, std::optional<std::uint64_t> as_of) {
  return impl_->begin_copy(shard, as_of);
}

result<void> store::add_to_copy(std::uint64_t copy, std::span<const document_part> parts) {
  return impl_->add_to_copy(copy, parts);
}

result<void> store::finish_copy(std::uint64_t copy, const document_copy& what) {
  return impl_->finish_copy(copy, what);
}

result<bool> store::is_mixed(std::uint32_t shard) const {
  return impl_->is_mixed(shard);
}

void store::drop_copy(std::uint64_t copy) {
  impl_->drop_copy(copy);
}

result<page> store::list(std::string_view prefix, std::string_view after, std::size_t limit) const {
  return impl_->list(prefix, after, limit);
}

result<void> store::remove(std::string_view name) {
  return impl_->remove(name);
}

bool store::writable() const {
  return impl_->writable();
}
bool store::failed() const {
  return impl_->failed();
}
space_info store::space() const {
  return impl_->space();
}
bool store::has_room_for(std::uint64_t bytes) const {
  return impl_->has_room_for(bytes);
}
const std::optional<recovery_report>& store::recovery() const {
  return impl_->recovery();
}

result<check_report> store::check(const progress_callback& on_progress) const {
  return impl_->check(on_progress);
}
void store::on_damage(std::function<void(const error&)> tell) {
  impl_->on_damage(std::move(tell));
}

void store::report_damage(const error& what) const {
  impl_->report_damage(what);
}

result<store_stats> store::stats() const {
  return impl_->stats();
}
result<void> store::compact(const progress_callback& on_progress) {
  return impl_->compact(on_progress);
}

}  // namespace octavo::storage
