#include "cluster/etcd_codec.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <ctime>

namespace octavo::cluster::etcd {

namespace json = boost::json;

namespace {

constexpr auto base64_digits = std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
constexpr auto no_digit = std::uint8_t{0xff};
/// Of what a server says, in an error.
constexpr auto quoted_bytes_max = std::size_t{200};

constexpr auto base64_values = [] {
  auto values = std::array<std::uint8_t, 256>{};
  values.fill(no_digit);
  for (auto i = std::size_t{0}; i < base64_digits.size(); ++i)
    values[static_cast<std::uint8_t>(base64_digits[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

/// Codes of gRPC that etcd answers with before a request goes to its log, or in place of all that it asks for.
enum class grpc_code : std::int64_t {
  invalid_argument = 3,
  not_found = 5,
  permission_denied = 7,
  out_of_range = 11,
  unauthenticated = 16,
};

/// Reads the fields of an object. Keeps the first thing that is wrong; what is read after that means nothing.
class reader {
 public:
  explicit reader(std::string& wrong) : wrong_(wrong) {}

  bool good() const { return wrong_.empty(); }
  void complain(std::string_view field, std::string_view what) {
    if (good()) wrong_ = std::string{field} + ' ' + std::string{what};
  }

  /// Null if there is none, which is not wrong by itself.
  const json::object* object(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (found == nullptr) return nullptr;
    const auto* object = found->if_object();
    if (object == nullptr) complain(name, "is no object");
    return object;
  }
  const json::array* array(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (found == nullptr) return nullptr;
    const auto* array = found->if_array();
    if (array == nullptr) complain(name, "is no array");
    return array;
  }
  bool boolean(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (found == nullptr) return false;
    const auto* flag = found->if_bool();
    if (flag == nullptr) complain(name, "is neither true nor false");
    return flag != nullptr && *flag;
  }
  template <class Number>
  Number number(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (found == nullptr) return 0;
    const auto* digits = found->if_string();
    if (digits == nullptr) {
      complain(name, "is no number in a string");
      return 0;
    }
    auto number = Number{};
    const auto [end, failed] = std::from_chars(digits->data(), digits->data() + digits->size(), number);
    if (failed != std::errc{} || end != digits->data() + digits->size()) complain(name, "is no number");
    if (number < 0) complain(name, "is negative");
    return good() ? number : 0;
  }
  std::string bytes(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (found == nullptr) return {};
    const auto* text = found->if_string();
    auto data = text != nullptr ? from_base64(*text) : std::nullopt;
    if (!data) complain(name, "is no base64");
    return std::move(data).value_or(std::string{});
  }
  /// Whatever etcd means to say holds one.
  std::int64_t revision_of_header(const json::object& from, std::uint64_t* cluster_id = nullptr) {
    const auto* header = object(from, "header");
    if (header == nullptr) {
      complain("header", "is missing");
      return 0;
    }
    const auto revision = number<std::int64_t>(*header, "revision");
    const auto cluster = number<std::uint64_t>(*header, "cluster_id");
    if (cluster == 0) complain("cluster_id", "is missing");
    if (cluster_id != nullptr) *cluster_id = cluster;
    return revision;
  }
  /// Where no revision is nonsense.
  std::int64_t revision(const json::object& from, std::uint64_t* cluster_id = nullptr) {
    const auto revision = revision_of_header(from, cluster_id);
    if (revision == 0) complain("revision", "is missing");
    return revision;
  }
  etcd_key_value key_value(const json::object& from) {
    auto kv = etcd_key_value{bytes(from, "key"), bytes(from, "value"), number<std::int64_t>(from, "mod_revision"),
                             number<std::int64_t>(from, "lease")};
    if (kv.key.empty()) complain("key", "is missing");
    if (kv.mod_revision == 0) complain("mod_revision", "is missing");
    return kv;
  }

 private:
  std::string& wrong_;
};

tl::unexpected<error> malformed(std::string_view what) {
  return fail(errc::malformed, "etcd's answer cannot be read: " + std::string{what});
}

/// Calls `read` with the object that the text is, and with a reader for it.
template <class Answer, class Read>
result<Answer> read_object(std::string_view text, Read read) {
  auto failed = json::error_code{};
  const auto value = json::parse({text.data(), text.size()}, failed);
  if (failed) return malformed("it is no JSON: " + failed.message());
  const auto* object = value.if_object();
  if (object == nullptr) return malformed("it is no object");
  auto wrong = std::string{};
  auto in = reader{wrong};
  result<Answer> answer = read(*object, in);
  if (!wrong.empty()) return malformed(wrong);
  return answer;
}

std::string quoted(std::string_view text) {
  auto out = std::string{};
  for (const auto one : text.substr(0, quoted_bytes_max)) out += one >= ' ' && one < 0x7f ? one : '?';
  return out;
}

bool is_asked_for(const page_request& request, std::string_view key) {
  if (request.end.empty()) return key == request.begin;
  return key >= request.begin && (request.end == std::string_view{"\0", 1} || key < request.end);
}

errc errc_of(std::int64_t code) {
  switch (static_cast<grpc_code>(code)) {
    case grpc_code::invalid_argument:
      return errc::invalid_argument;
    case grpc_code::not_found:
      return errc::not_found;
    case grpc_code::permission_denied:
      return errc::forbidden;
    case grpc_code::unauthenticated:
      return errc::unauthenticated;
    case grpc_code::out_of_range:
      break;
  }
  return errc::unavailable;
}

/// Its text and its code, however deep this version of etcd has put them; an empty text if it is no error.
std::pair<std::string, std::int64_t> error_in(const json::object& from) {
  const auto* inner = from.if_contains("error");
  const auto* object = inner != nullptr && inner->is_object() ? &inner->get_object() : &from;
  const auto* text = object->if_contains("message");
  const auto* code = object->if_contains("code");
  if (code == nullptr) code = object->if_contains("grpc_code");
  if (text == nullptr || !text->is_string()) text = inner;
  if (text == nullptr || !text->is_string() || code == nullptr || !code->is_int64()) return {};
  return {quoted(text->get_string()), code->get_int64()};
}

etcd_watch_end end_of_watch(etcd_watch_end::reason_type reason, errc code, std::string why,
                            std::int64_t compact_revision = 0) {
  return {reason, {code, std::move(why)}, compact_revision};
}

/// The end that a message of a watch tells, if it tells one.
std::optional<etcd_watch_end> read_end(const json::object& result, reader& in) {
  using reason = etcd_watch_end::reason_type;
  const auto compacted = in.number<std::int64_t>(result, "compact_revision");
  const auto canceled = in.boolean(result, "canceled");
  if (compacted != 0)
    return end_of_watch(reason::compacted, errc::unavailable,
                        "etcd keeps nothing from before revision " + std::to_string(compacted) +
                            " any more; read all and watch from there",
                        compacted);
  if (!canceled) return std::nullopt;
  const auto* why = result.if_contains("cancel_reason");
  const auto text = why != nullptr && why->is_string() ? ": " + quoted(why->get_string()) : std::string{};
  return end_of_watch(reason::canceled, errc::unavailable, "etcd ended the watch" + text);
}

etcd_event read_event(const json::object& from, reader& in) {
  auto event = etcd_event{};
  if (const auto* kind = from.if_contains("type"); kind != nullptr && *kind == "DELETE")
    event.kind = etcd_event::kind_type::deleted;
  else if (kind != nullptr && *kind != "PUT")
    in.complain("type", "is neither PUT nor DELETE");
  if (const auto* kv = in.object(from, "kv"))
    event.kv = in.key_value(*kv);
  else
    in.complain("kv", "is missing");
  return event;
}

}  // namespace

std::string to_base64(std::string_view data) {
  auto out = std::string{};
  out.reserve((data.size() + 2) / 3 * 4);
  for (auto at = std::size_t{0}; at < data.size(); at += 3) {
    const auto left = data.size() - at;
    const auto byte = [&](std::size_t i) {
      return i < left ? static_cast<std::uint32_t>(static_cast<std::uint8_t>(data[at + i])) : 0U;
    };
    const auto word = (byte(0) << 16U) | (byte(1) << 8U) | byte(2);
    out += base64_digits[word >> 18U];
    out += base64_digits[(word >> 12U) & 63U];
    out += left > 1 ? base64_digits[(word >> 6U) & 63U] : '=';
    out += left > 2 ? base64_digits[word & 63U] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  text.remove_suffix(padding);
  auto out = std::string{};
  out.reserve(text.size() * 3 / 4);
  auto word = std::uint32_t{0};
  auto bits = 0U;
  for (const auto one : text) {
    const auto value = base64_values[static_cast<std::uint8_t>(one)];
    if (value == no_digit) return std::nullopt;
    word = (word << 6U) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>((word >> bits) & 0xffU);
    word &= (1U << bits) - 1;
  }
  if (word != 0) return std::nullopt;
  return out;
}

std::string end_of_prefix(std::string_view prefix) {
  auto end = std::string{prefix};
  while (!end.empty() && static_cast<std::uint8_t>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return {'\0'};
  end.back() = static_cast<char>(static_cast<std::uint8_t>(end.back()) + 1);
  return end;
}

std::string write(const page_request& request) {
  auto out = json::object{{"key", to_base64(request.begin)}, {"limit", std::to_string(request.limit)}};
  if (!request.end.empty()) out["range_end"] = to_base64(request.end);
  if (request.revision != 0) out["revision"] = std::to_string(request.revision);
  return json::serialize(out);
}

std::string write(const etcd_txn& txn) {
  const auto key = to_base64(txn.key);
  auto compare = json::object{{"key", key}, {"result", "EQUAL"}};
  if (txn.expected) {
    compare["target"] = "VALUE";
    compare["value"] = to_base64(*txn.expected);
  } else {
    compare["target"] = "CREATE";
    compare["create_revision"] = "0";
  }
  auto success = json::object{};
  if (txn.wanted) {
    auto put = json::object{{"key", key}, {"value", to_base64(*txn.wanted)}};
    if (txn.lease != 0) put["lease"] = std::to_string(txn.lease);
    success["request_put"] = std::move(put);
  } else {
    success["request_delete_range"] = json::object{{"key", key}};
  }
  auto failure = json::object{{"request_range", json::object{{"key", key}}}};
  const auto list = [](json::object& one) {
    auto out = json::array{};
    out.push_back(std::move(one));
    return out;
  };
  return json::serialize(
      json::object{{"compare", list(compare)}, {"success", list(success)}, {"failure", list(failure)}});
}

std::string write_grant(std::int64_t ttl_s) {
  return json::serialize(json::object{{"TTL", std::to_string(ttl_s)}});
}
std::string write_lease(std::int64_t id) {
  return json::serialize(json::object{{"ID", std::to_string(id)}});
}

std::string write_watch(std::string_view prefix, std::int64_t from_revision) {
  return json::serialize(
      json::object{{"create_request", json::object{{"key", to_base64(prefix)},
                                                   {"range_end", to_base64(end_of_prefix(prefix))},
                                                   {"start_revision", std::to_string(from_revision)}}}});
}

result<page> read_page(std::string_view body, const page_request& request) {
  return read_object<page>(body, [&](const json::object& from, reader& in) {
    auto out = page{};
    out.answer.revision = in.revision(from, &out.answer.cluster_id);
    out.more = in.boolean(from, "more");
    const auto* kvs = in.array(from, "kvs");
    if (kvs != nullptr && kvs->size() > request.limit) in.complain("kvs", "are more than were asked for");
    auto last = std::string_view{};
    if (kvs != nullptr) out.answer.kvs.reserve(kvs->size());
    for (auto i = std::size_t{0}; kvs != nullptr && i < kvs->size() && in.good(); ++i) {
      const auto* one = (*kvs)[i].if_object();
      if (one == nullptr) {
        in.complain("kvs", "holds what is no object");
        break;
      }
      const auto& kv = out.answer.kvs.emplace_back(in.key_value(*one));
      if (in.good() && !is_asked_for(request, kv.key)) in.complain("kvs", "holds a key that was not asked for");
      if (i != 0 && kv.key <= last) in.complain("kvs", "does not ascend");
      last = kv.key;
    }
    if (out.more && (out.answer.kvs.empty() || request.end.empty())) in.complain("more", "is true for no reason");
    return out;
  });
}

result<etcd_txn_answer> read_txn(std::string_view body, const etcd_txn& txn) {
  return read_object<etcd_txn_answer>(body, [&](const json::object& from, reader& in) {
    auto out = etcd_txn_answer{};
    out.revision = in.revision(from);
    out.outcome = in.boolean(from, "succeeded") ? txn_outcome::done : txn_outcome::refused;
    const auto* responses = in.array(from, "responses");
    const auto* only = responses != nullptr && responses->size() == 1 ? (*responses)[0].if_object() : nullptr;
    if (only == nullptr) {
      in.complain("responses", "is not one object");
      return out;
    }
    const auto done = out.outcome == txn_outcome::done;
    const auto* kind = !done ? "response_range" : txn.wanted ? "response_put" : "response_delete_range";
    const auto* response = in.object(*only, kind);
    if (response == nullptr) in.complain(kind, "is missing");
    if (done || !in.good()) return out;
    const auto* kvs = in.array(*response, "kvs");
    if (kvs == nullptr || kvs->empty()) return out;
    const auto* one = kvs->size() == 1 ? (*kvs)[0].if_object() : nullptr;
    auto kv = one != nullptr ? in.key_value(*one) : etcd_key_value{};
    if (kv.key != txn.key) in.complain("kvs", "is not the one key");
    out.current = std::move(kv.value);
    return out;
  });
}

result<etcd_lease> read_grant(std::string_view body) {
  return read_object<etcd_lease>(body, [&](const json::object& from, reader& in) {
    in.revision_of_header(from);
    auto out = etcd_lease{in.number<std::int64_t>(from, "ID"), in.number<std::int64_t>(from, "TTL")};
    if (out.id == 0) in.complain("ID", "is missing");
    if (out.ttl_s == 0) in.complain("TTL", "is missing");
    return out;
  });
}

result<std::int64_t> read_keep_alive(std::string_view body, std::int64_t id) {
  return read_object<std::int64_t>(body, [&](const json::object& from, reader& in) -> result<std::int64_t> {
    if (const auto [text, code] = error_in(from); !text.empty())
      return fail(errc_of(code), "etcd did not keep the lease alive: " + text);
    const auto* inner = in.object(from, "result");
    if (inner == nullptr) {
      in.complain("result", "is missing");
      return 0;
    }
    in.revision_of_header(*inner);
    if (in.number<std::int64_t>(*inner, "ID") != id) in.complain("ID", "is not the lease's");
    const auto ttl_s = in.number<std::int64_t>(*inner, "TTL");
    if (ttl_s == 0) return fail(errc::not_found, "etcd has no such lease any more");
    return ttl_s;
  });
}

result<void> read_revoke(std::string_view body) {
  auto read = read_object<bool>(body, [](const json::object& from, reader& in) {
    in.revision_of_header(from);
    return true;
  });
  if (!read) return tl::unexpected{std::move(read.error())};
  return {};
}

result<watch_message> read_watch(std::string_view line, std::string_view prefix, std::int64_t last_revision) {
  using reason = etcd_watch_end::reason_type;
  return read_object<watch_message>(line, [&](const json::object& from, reader& in) {
    auto out = watch_message{};
    if (const auto [text, code] = error_in(from); !text.empty()) {
      out.end = end_of_watch(reason::canceled, errc_of(code), "etcd ended the watch: " + text);
      return out;
    }
    const auto* inner = in.object(from, "result");
    if (inner == nullptr) {
      in.complain("result", "is missing");
      return out;
    }
    in.revision_of_header(*inner);
    out.created = in.boolean(*inner, "created");
    out.end = read_end(*inner, in);
    const auto* events = in.array(*inner, "events");
    for (auto i = std::size_t{0}; events != nullptr && i < events->size() && in.good(); ++i) {
      const auto* one = (*events)[i].if_object();
      if (one == nullptr) {
        in.complain("events", "holds what is no object");
        break;
      }
      const auto& event = out.events.emplace_back(read_event(*one, in));
      if (!event.kv.key.starts_with(prefix)) in.complain("key", "is not watched");
      if (event.kv.mod_revision < last_revision) in.complain("mod_revision", "goes backwards");
      last_revision = event.kv.mod_revision;
    }
    return out;
  });
}

refusal read_refusal(unsigned status, std::string_view body) {
  auto failed = json::error_code{};
  const auto value = json::parse({body.data(), body.size()}, failed);
  const auto [text, code] =
      !failed && value.is_object() ? error_in(value.get_object()) : std::pair<std::string, std::int64_t>{};
  const auto refused = "etcd answered " + std::to_string(status);
  if (text.empty()) return {{errc::unavailable, refused + ", and not as etcd does; is it what listens there?"}, false};
  // "database space exceeded" is none of these: etcd says it of a transaction that it has carried out, too.
  const auto certain = status >= 400 && status < 500 &&
                       (code == static_cast<std::int64_t>(grpc_code::invalid_argument) ||
                        code == static_cast<std::int64_t>(grpc_code::not_found) ||
                        code == static_cast<std::int64_t>(grpc_code::permission_denied) ||
                        code == static_cast<std::int64_t>(grpc_code::unauthenticated));
  return {{errc_of(code), refused + ": " + text}, certain};
}

std::optional<std::int64_t> read_date(const std::string& header) {
  auto parts = std::tm{};
  const auto* end = ::strptime(header.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::int64_t{::timegm(&parts)} * 1'000;
}

std::int64_t clock_ahead_ms(std::int64_t now_ms, std::int64_t second_ms) {
  constexpr auto second = std::int64_t{1'000};
  if (now_ms < second_ms) return now_ms - second_ms;
  return std::max<std::int64_t>(0, now_ms - second_ms - second);
}

}  // namespace octavo::cluster::etcd
