#include "cluster/records.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <optional>
#include <random>

#include "cluster/host_port.hpp"

namespace octavo::cluster {

namespace json = boost::json;

namespace {

constexpr auto shard_digits = std::size_t{5};
constexpr auto cluster_id_digits = std::size_t{32};
constexpr auto member_digits = std::size_t{16};

std::string to_hex(std::uint64_t number) {
  static constexpr char digits[] = "0123456789abcdef";
  auto out = std::string(member_digits, '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, number >>= 4U) *at = digits[number & 15U];
  return out;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char one) { return (one >= '0' && one <= '9') || (one >= 'a' && one <= 'f'); });
}

template <class Number>
std::optional<Number> parse_decimal(std::string_view text) {
  auto number = Number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::string look_mark(std::string_view word) {
  return R"({"look":")" + std::string{word} + '"';
}

bool is_address(std::string_view text) {
  return text.size() <= record_text_bytes_max && parse_host_port(text).has_value();
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= record_text_bytes_max &&
         std::ranges::all_of(text, [](char one) { return one > ' ' && one < 0x7f; });
}

/// Whether a record must say that its numbers are meant.
bool is_high(const shard_record& record) {
  return record.epoch > record_count_max || record.config.version > record_count_max;
}

/// Empty when there is nothing to say against it.
using complaint = std::string;

complaint check(const member& one, std::string_view field) {
  if (one.id == 0) return std::string{field} + ".id is 0, which is nobody";
  if (!is_node_name(one.node)) return std::string{field} + ".node is no name: 1 to 64 of a-z, 0-9 and '-' are needed";
  return {};
}

complaint check_all(const std::vector<member>& members, const std::string& field) {
  for (auto at = members.begin(); at != members.end(); ++at) {
    if (auto said = check(*at, field); !said.empty()) return said;
    if (std::any_of(members.begin(), at, [&](const member& one) { return one.id == at->id; }))
      return field + " names " + to_hex(at->id) + " twice";
  }
  return {};
}

complaint check(const shard_record& record) {
  if (record.epoch > record_high_count_max) return "epoch is above 2^62";
  if (record.config.version > record_high_count_max) return "config.version is above 2^62";
  if (record.owner.id == 0 && !record.owner.node.empty()) return "owner.id is 0, but owner.node names one";
  if (record.owner.id != 0)
    if (auto said = check(record.owner, "owner"); !said.empty()) return said;
  if (record.config.members.size() > record_members_max) return "config.members are more than 9";
  return check_all(record.config.members, "config.members");
}

complaint check(const node_record& record) {
  if (!is_node_name(record.name)) return "name is no name: 1 to 64 of a-z, 0-9 and '-' are needed";
  if (record.member == 0) return "member is 0, which is nobody";
  if (!is_address(record.peer_address)) return "peer is no address: host:port is needed";
  if (!is_address(record.http_address)) return "http is no address: host:port is needed";
  if (record.wire_version == 0) return "wire is 0; versions begin at 1";
  if (!is_version(record.caf_version)) return "caf is no version";
  if (!is_version(record.octavo_version)) return "octavo is no version";
  if (record.started_unix_ms < 0) return "started_ms is negative";
  if (!std::isfinite(record.load) || record.load < 0) return "load is no number from 0 on";
  return {};
}

complaint check(const cluster_meta& meta) {
  if (!is_hex(meta.cluster_id, cluster_id_digits)) return "cluster_id is not 32 lowercase hexadecimal digits";
  if (meta.shards == 0 || meta.shards > shards_max) return "shards is not from 1 to 65536";
  if (meta.replicas == 0 || meta.replicas > record_members_max) return "replicas is not from 1 to 9";
  if (meta.format_version == 0) return "format is 0; versions begin at 1";
  if (meta.founders.size() > founders_max) return "founders are more than 100";
  return check_all(meta.founders, "founders");
}

complaint check(const cluster_orders& orders) {
  if (orders.draining.size() > orders_draining_max) return "draining names more than 32 nodes";
  for (const auto& one : orders.draining)
    if (!is_node_name(one)) return "draining holds what is no name of a node";
  if (orders.pins.size() > orders_pins_max)
    return "pins are more than 100; octavo cluster rebalance takes all of them back";
  for (const auto& one : orders.pins) {
    if (one.shard >= shards_max) return "pins.shard is not below 65536";
    if (!is_node_name(one.node)) return "pins.node is no name: 1 to 64 of a-z, 0-9 and '-' are needed";
  }
  if (orders.balance.size() > orders_balance_max) return "balance holds more than 64";
  for (const auto& one : orders.balance) {
    if (one.shard >= shards_max) return "balance.shard is not below 65536";
    if (!is_node_name(one.node)) return "balance.node is no name: 1 to 64 of a-z, 0-9 and '-' are needed";
    if (!is_node_name(one.from)) return "balance.from is no name: 1 to 64 of a-z, 0-9 and '-' are needed";
    if (one.why.size() > record_text_bytes_max) return "balance.why is longer than 300 bytes";
  }
  if (orders.removed.size() > orders_removed_max) return "removed are more than 64";
  if (std::ranges::find(orders.removed, member_id{0}) != orders.removed.end())
    return "removed holds 0, which is nobody";
  if (orders.drained.size() > orders_draining_max) return "drained names more than 32 disks";
  for (const auto& one : orders.drained)
    if (auto said = check(one, "drained"); !said.empty()) return said;
  return {};
}

/// Reads the fields of an object. After the first that is not as it should be, what it answers means nothing.
class fields {
 public:
  fields(const json::object& from, std::string path, complaint& said)
      : from_(from), path_(std::move(path)), said_(said) {}

  const json::value* find(std::string_view name) {
    const auto* found = from_.if_contains(name);
    if (found == nullptr) complain(name, "is missing");
    return found;
  }
  std::string text(std::string_view name) {
    const auto* found = find(name);
    if (found == nullptr) return {};
    if (const auto* text = found->if_string()) return {text->begin(), text->end()};
    complain(name, "is no string");
    return {};
  }
  std::uint64_t hex(std::string_view name) {
    const auto digits = text(name);
    auto number = std::uint64_t{0};
    if (said_.empty() && !is_hex(digits, member_digits)) complain(name, "is not 16 lowercase hexadecimal digits");
    if (said_.empty()) std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    return number;
  }
  std::uint64_t number(std::string_view name, std::uint64_t max) {
    const auto* found = find(name);
    if (found == nullptr) return 0;
    // Numbers that fit into int64 are parsed as such.
    auto number = std::optional<std::uint64_t>{};
    if (const auto* large = found->if_uint64()) number = *large;
    if (const auto* plain = found->if_int64(); plain != nullptr && *plain >= 0)
      number = static_cast<std::uint64_t>(*plain);
    if (!number) complain(name, "is no whole number from 0 on");
    if (number && *number > max) complain(name, "is too large");
    return said_.empty() ? *number : 0;
  }
  double real(std::string_view name) {
    const auto* found = find(name);
    if (found == nullptr) return 0;
    auto failed = json::error_code{};
    if (found->is_number()) return found->to_number<double>(failed);
    complain(name, "is no number");
    return 0;
  }
  bool boolean(std::string_view name) {
    const auto* found = find(name);
    if (found == nullptr) return false;
    if (const auto* flag = found->if_bool()) return *flag;
    complain(name, "is neither true nor false");
    return false;
  }
  /// Null if it is none.
  const json::object* object(std::string_view name) {
    const auto* found = find(name);
    if (found == nullptr) return nullptr;
    const auto* object = found->if_object();
    if (object == nullptr) complain(name, "is no object");
    return object;
  }
  const json::array* array(std::string_view name) {
    const auto* found = find(name);
    if (found == nullptr) return nullptr;
    const auto* array = found->if_array();
    if (array == nullptr) complain(name, "is no array");
    return array;
  }
  void complain(std::string_view name, std::string_view what) {
    if (said_.empty()) said_ = path_ + std::string{name} + ' ' + std::string{what};
  }

 private:
  const json::object& from_;
  std::string path_;
  complaint& said_;
};

json::object to_json(const member& one) {
  return {{"id", to_hex(one.id)}, {"node", one.node}};
}

member read_member(const json::object& from, std::string path, complaint& said) {
  auto in = fields{from, std::move(path), said};
  return {in.hex("id"), in.text("node")};
}

json::array to_json(const std::vector<member>& members) {
  auto array = json::array{};
  for (const auto& one : members) array.push_back(to_json(one));
  return array;
}

/// The field `name` of `in`, whose own fields have the path `path`.
std::vector<member> read_members(fields& in, std::string_view name, const std::string& path, complaint& said) {
  auto members = std::vector<member>{};
  const auto* array = in.array(name);
  if (array == nullptr) return members;
  for (const auto& each : *array) {
    if (!said.empty()) break;
    if (const auto* one = each.if_object())
      members.push_back(read_member(*one, path, said));
    else
      in.complain(name, "holds what is no object");
  }
  return members;
}

shard_config read_config(const json::object& from, std::uint64_t version_max, complaint& said) {
  auto in = fields{from, "config.", said};
  const auto version = in.number("version", version_max);
  return {version, read_members(in, "members", "config.members.", said)};
}

/// The object, or what is wrong.
result<json::object> parse(std::string_view kind, std::string_view text) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::malformed, "the " + std::string{kind} + " record in etcd cannot be read: " + why);
  };
  if (text.size() > record_bytes_max) return refuse("it is larger than 64 KiB");
  auto failed = json::error_code{};
  auto value = json::parse({text.data(), text.size()}, failed);
  if (failed) return refuse("it is no JSON: " + failed.message());
  if (!value.is_object()) return refuse("it is no object");
  return std::move(value.get_object());
}

template <class Record>
result<Record> checked(std::string_view kind, Record record, complaint said) {
  if (said.empty()) said = check(record);
  if (said.empty()) return record;
  return fail(errc::malformed, "the " + std::string{kind} + " record in etcd cannot be read: " + said);
}

template <class Record>
result<std::string> written(std::string_view kind, const Record& record, const json::object& as) {
  if (auto said = check(record); !said.empty())
    return fail(errc::invalid_argument, "the " + std::string{kind} + " record cannot be written: " + said);
  return json::serialize(as);
}

result<std::string_view> rest_of(std::string_view key, const std::string& begin, std::string_view kind) {
  if (key.starts_with(begin)) return key.substr(begin.size());
  return fail(errc::malformed, "the key '" + std::string{key} + "' is none of a " + std::string{kind});
}

}  // namespace

bool is_node_name(std::string_view name) {
  return !name.empty() && name.size() <= node_name_bytes_max && std::ranges::all_of(name, [](char one) {
    return (one >= 'a' && one <= 'z') || (one >= '0' && one <= '9') || one == '-';
  });
}

// Objects keep the order in which their fields were added, so that equal records have equal bytes.
result<std::string> encode(const shard_record& record) {
  // Braces would make it an array of one.
  auto owner = record.owner.id == 0 ? json::value(nullptr) : json::value(to_json(record.owner));
  auto config = json::object{{"version", record.config.version}, {"members", to_json(record.config.members)}};
  auto as = json::object{{"epoch", record.epoch},
                         {"owner", std::move(owner)},
                         {"nonce", to_hex(record.nonce)},
                         {"config", std::move(config)}};
  if (is_high(record)) as["high"] = true;
  return written("shard", record, as);
}

result<std::string> encode(const node_record& record) {
  return written("node", record,
                 {{"name", record.name},
                  {"incarnation", to_hex(record.incarnation)},
                  {"member", to_hex(record.member)},
                  {"peer", record.peer_address},
                  {"http", record.http_address},
                  {"wire", record.wire_version},
                  {"caf", record.caf_version},
                  {"octavo", record.octavo_version},
                  {"started_ms", record.started_unix_ms},
                  {"draining", record.draining},
                  {"load", record.load}});
}

result<std::string> encode(const cluster_meta& meta) {
  auto as = json::object{{"cluster_id", meta.cluster_id},
                         {"shards", meta.shards},
                         {"replicas", meta.replicas},
                         {"format", meta.format_version}};
  if (!meta.founders.empty()) as["founders"] = to_json(meta.founders);
  return written("meta", meta, as);
}

result<std::string> encode(const cluster_orders& orders) {
  auto pins = json::array{};
  for (const auto& one : orders.pins) pins.push_back(json::object{{"shard", one.shard}, {"node", one.node}});
  auto balance = json::array{};
  for (const auto& one : orders.balance)
    balance.push_back(json::object{{"shard", one.shard},
                                   {"from", one.from},
                                   {"node", one.node},
                                   {"time_ms", one.unix_ms},
                                   {"core_percent", one.core_percent},
                                   {"why", one.why}});
  auto removed = json::array{};
  for (const auto one : orders.removed) removed.emplace_back(to_hex(one));
  return written("orders", orders,
                 {{"draining", json::array(orders.draining.begin(), orders.draining.end())},
                  {"pins", std::move(pins)},
                  {"balance", std::move(balance)},
                  {"removed", std::move(removed)},
                  {"drained", to_json(orders.drained)}});
}

result<shard_record> decode_shard_record(std::string_view text) {
  auto from = parse("shard", text);
  if (!from) return tl::unexpected{std::move(from.error())};
  auto said = complaint{};
  auto in = fields{*from, "", said};
  auto record = shard_record{};
  const auto is_meant = from->contains("high") && in.boolean("high");
  const auto count_max = is_meant ? record_high_count_max : record_count_max;
  record.epoch = in.number("epoch", count_max);
  const auto* owner = in.find("owner");
  if (owner != nullptr && !owner->is_null())
    if (const auto* object = in.object("owner")) {
      record.owner = read_member(*object, "owner.", said);
      // Nobody is written as null, and in no second way.
      if (record.owner.id == 0) in.complain("owner.id", "is 0, which is nobody");
    }
  record.nonce = in.hex("nonce");
  if (const auto* config = in.object("config")) record.config = read_config(*config, count_max, said);
  return checked("shard", std::move(record), std::move(said));
}

result<node_record> decode_node_record(std::string_view text) {
  auto from = parse("node", text);
  if (!from) return tl::unexpected{std::move(from.error())};
  auto said = complaint{};
  auto in = fields{*from, "", said};
  auto record = node_record{};
  record.name = in.text("name");
  record.incarnation = in.hex("incarnation");
  record.member = in.hex("member");
  record.peer_address = in.text("peer");
  record.http_address = in.text("http");
  record.wire_version = static_cast<std::uint32_t>(in.number("wire", UINT32_MAX));
  record.caf_version = in.text("caf");
  record.octavo_version = in.text("octavo");
  record.started_unix_ms = static_cast<std::int64_t>(in.number("started_ms", INT64_MAX));
  record.draining = in.boolean("draining");
  record.load = in.real("load");
  return checked("node", std::move(record), std::move(said));
}

result<cluster_meta> decode_cluster_meta(std::string_view text) {
  auto from = parse("meta", text);
  if (!from) return tl::unexpected{std::move(from.error())};
  auto said = complaint{};
  auto in = fields{*from, "", said};
  auto meta = cluster_meta{};
  meta.cluster_id = in.text("cluster_id");
  meta.shards = static_cast<std::uint32_t>(in.number("shards", UINT32_MAX));
  meta.replicas = static_cast<std::uint32_t>(in.number("replicas", UINT32_MAX));
  meta.format_version = static_cast<std::uint32_t>(in.number("format", UINT32_MAX));
  if (from->contains("founders")) meta.founders = read_members(in, "founders", "founders.", said);
  return checked("meta", std::move(meta), std::move(said));
}

result<cluster_orders> decode_cluster_orders(std::string_view text) {
  auto from = parse("orders", text);
  if (!from) return tl::unexpected{std::move(from.error())};
  auto said = complaint{};
  auto in = fields{*from, "", said};
  auto orders = cluster_orders{};
  auto text_in = [&](std::string_view field, const json::value& value) {
    if (const auto* string = value.if_string()) return std::string{string->begin(), string->end()};
    in.complain(field, "holds what is no string");
    return std::string{};
  };
  if (const auto* draining = in.array("draining"))
    for (const auto& one : *draining) orders.draining.push_back(text_in("draining", one));
  if (const auto* pins = in.array("pins"))
    for (const auto& one : *pins) {
      const auto* pin = one.if_object();
      if (pin == nullptr) {
        in.complain("pins", "holds what is no object");
        break;
      }
      auto of = fields{*pin, "pins.", said};
      const auto shard = static_cast<std::uint32_t>(of.number("shard", shards_max - 1));
      orders.pins.push_back({shard, of.text("node")});
    }
  // Orders of an octavo that did not balance have none.
  if (const auto* balance = from->contains("balance") ? in.array("balance") : nullptr)
    for (const auto& one : *balance) {
      const auto* moved = one.if_object();
      if (moved == nullptr) {
        in.complain("balance", "holds what is no object");
        break;
      }
      auto of = fields{*moved, "balance.", said};
      const auto shard = static_cast<std::uint32_t>(of.number("shard", shards_max - 1));
      auto left = of.text("from");
      auto node = of.text("node");
      const auto time_ms = static_cast<std::int64_t>(of.number("time_ms", INT64_MAX));
      const auto percent = static_cast<std::uint32_t>(of.number("core_percent", UINT32_MAX));
      orders.balance.push_back({shard, std::move(left), std::move(node), time_ms, percent, of.text("why")});
    }
  if (const auto* removed = in.array("removed"))
    for (const auto& one : *removed) {
      const auto digits = text_in("removed", one);
      auto id = member_id{0};
      if (!is_hex(digits, member_digits)) in.complain("removed", "holds what is not 16 lowercase hexadecimal digits");
      std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
      orders.removed.push_back(id);
    }
  // Nor have orders of one that did not keep the disks of drained nodes.
  if (from->contains("drained")) orders.drained = read_members(in, "drained", "drained.", said);
  return checked("orders", std::move(orders), std::move(said));
}

bool is_recent(const cluster_orders::balanced& one, std::int64_t unix_ms, std::int64_t within_ms,
               std::int64_t skew_ms) {
  const auto age_ms = unix_ms - one.unix_ms;
  return age_ms <= within_ms && age_ms >= -2 * skew_ms;
}

std::string node_ordered(const cluster_orders& orders, std::uint32_t shard) {
  if (auto pin = std::ranges::find(orders.pins, shard, &cluster_orders::pin::shard); pin != orders.pins.end())
    return pin->node;
  const auto moved = std::ranges::find(orders.balance, shard, &cluster_orders::balanced::shard);
  return moved == orders.balance.end() ? std::string{} : moved->node;
}

std::string node_keys(std::string_view prefix) {
  return std::string{prefix} + "node/";
}
std::string shard_keys(std::string_view prefix) {
  return std::string{prefix} + "shard/";
}
std::string meta_key(std::string_view prefix) {
  return std::string{prefix} + "meta";
}

std::string orders_key(std::string_view prefix) {
  return std::string{prefix} + "orders";
}

std::string random_hex(std::size_t digits) {
  auto random = std::random_device{};
  auto result = std::string{};
  for (auto i = std::size_t{0}; i < digits; ++i) result += "0123456789abcdef"[random() % 16];
  return result;
}

std::string look_key(std::string_view prefix) {
  return std::string{prefix} + "look";
}

bool is_look(std::string_view word) {
  return is_hex(word, look_digits);
}

std::string with_look(std::string_view status, std::string_view word) {
  auto marked = look_mark(word);
  marked += status.size() > 2 ? "," : "";
  return marked.append(status.substr(std::min<std::size_t>(1, status.size())));
}

bool has_look(std::string_view status, std::string_view word) {
  return status.starts_with(look_mark(word));
}

std::string rebuild_key(std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string{prefix} + "-rebuild";
}

std::string status_key(std::string_view prefix, std::string_view name) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string{prefix} + "-status/" + std::string{name};
}

std::string node_key(std::string_view prefix, std::string_view name) {
  return node_keys(prefix) + std::string{name};
}

std::string shard_key(std::string_view prefix, std::uint32_t shard) {
  const auto digits = std::to_string(shard);
  const auto zeros = shard_digits - std::min(shard_digits, digits.size());
  return shard_keys(prefix) + std::string(zeros, '0') + digits;
}

result<std::string> parse_node_key(std::string_view prefix, std::string_view key) {
  auto name = rest_of(key, node_keys(prefix), "node");
  if (!name) return tl::unexpected{std::move(name.error())};
  if (is_node_name(*name)) return std::string{*name};
  return fail(errc::malformed, "the key '" + std::string{key} + "' names no node");
}

result<std::uint32_t> parse_shard_key(std::string_view prefix, std::string_view key) {
  auto digits = rest_of(key, shard_keys(prefix), "shard");
  if (!digits) return tl::unexpected{std::move(digits.error())};
  const auto number = parse_decimal<std::uint32_t>(*digits);
  if (number && *number < shards_max && digits->size() == shard_digits) return *number;
  return fail(errc::malformed, "the key '" + std::string{key} + "' names no shard");
}

}  // namespace octavo::cluster
