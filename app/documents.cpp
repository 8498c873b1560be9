#include "app/documents.hpp"

#include <algorithm>

#include "app/output.hpp"
#include "storage/store.hpp"

namespace octavo::app {

namespace {

/// What a root holds that has no form in this format; empty if it fits. It would be written as nothing, or as nonsense.
std::string_view unfit_content(const crdt::document& content, const std::string& root, const std::string& format) {
  auto wants_text = format != "xml";
  switch (content.root_kind(root)) {
    case crdt::type_kind::map:
      return "a map";
    case crdt::type_kind::xml_fragment:
      return wants_text ? "XML" : "";
    case crdt::type_kind::array:
      // A text with types embedded in it looks like an array, too.
      return wants_text && !content.text(root).empty() ? "" : "an array";
    default:
      return {};
  }
}

}  // namespace

crdt::decode_limits read_limits() {
  auto limits = crdt::decode_limits{};
  limits.max_bytes = storage::max_snapshot_bytes;
  limits.max_structs = std::size_t{1} << 28U;
  limits.max_values = std::size_t{1} << 28U;
  limits.max_delete_ranges = std::size_t{1} << 28U;
  limits.max_clients = std::size_t{1} << 22U;
  return limits;
}

std::string names_of(const std::vector<std::string>& roots) {
  auto text = std::string{};
  for (const auto& root : roots) text += (text.empty() ? "" : ", ") + printable_name(root);
  return text.empty() ? "none" : text;
}

result<std::string> rendered(const crdt::document& content, const std::string& asked_root, const std::string& format) {
  auto roots = content.root_names();
  if (!asked_root.empty() && std::ranges::find(roots, asked_root) == roots.end())
    return fail(errc::not_found,
                "the document has no root " + printable_name(asked_root) + "; its roots: " + names_of(roots));
  if (format == "update") {
    if (!asked_root.empty())
      return fail(errc::invalid_argument, "an update is of the whole document: --root goes with another --format");
    auto update = content.encode_state_as_update_v1();
    return std::string{as_text(update)};
  }
  if (format == "json") return (asked_root.empty() ? content.to_json() : content.json(asked_root)) + '\n';
  auto root = asked_root;
  if (root.empty()) {
    if (roots.size() != 1)
      return fail(errc::invalid_argument, "the document has " + std::to_string(roots.size()) + " roots (" +
                                              names_of(roots) + "): say which one with --root");
    root = roots.front();
  }
  if (auto holds = unfit_content(content, root, format); !holds.empty())
    return fail(errc::invalid_argument, "the root " + printable_name(root) + " holds " + std::string{holds} +
                                            ", which has no form as " + format +
                                            (holds == "XML" ? ": use xml or json" : ": use json"));
  if (format == "text") return content.text(root) + '\n';
  if (format == "delta") return content.delta_json(root) + '\n';
  return content.xml(root) + '\n';
}

}  // namespace octavo::app
