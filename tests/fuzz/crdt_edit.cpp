// Any bytes as edits of a program: every operation, with positions and texts that fit or do not, on the present
// document or as of an older version, made final or taken back. What was taken back leaves no trace, and what was made
// leads another document to the same content.
#include <string>
#include <vector>

#include "crdt/edit.hpp"
#include "tests/fuzz/support.hpp"

namespace {

using namespace octavo;
using crdt::type_kind;
using octavo::fuzz::require;
using octavo::fuzz::require_sound;

constexpr std::uint64_t writer = 5;
constexpr const char* roots[] = {"text", "list", "map", "xml"};
constexpr type_kind kinds[] = {type_kind::text, type_kind::array, type_kind::map, type_kind::xml_fragment};

/// What is in a document. A root that was looked for and has nothing in it may be there or not, as in yjs.
std::string dump_of(const crdt::document& document) {
  const auto all = document.canonical_dump();
  std::string out;
  for (std::size_t at = 0; at < all.size();) {
    const auto end = all.find('\n', at) + 1;
    const auto line = all.substr(at, end - at);
    if (!line.ends_with(":[]\n")) out += line;
    at = end;
  }
  return out;
}

class editor {
 public:
  editor(crdt::edit& on, fuzz::number_source& numbers) : on_(on), numbers_(numbers) {}

  void step() {
    const auto which = numbers_() % 4;
    auto target = on_.root(roots[which], kinds[which]);
    if (!target) return;
    for (auto steps = numbers_() % 3; steps > 0; --steps) {
      const auto child =
          numbers_() % 2 == 0 ? on_.child(*target, key()) : on_.child(*target, static_cast<std::uint64_t>(numbers_()));
      if (!child) break;
      target = child;
    }
    change(*target);
  }

 private:
  void change(crdt::type_handle in) {
    const auto at = numbers_() % 24;
    const auto length = numbers_() % 12;
    switch (numbers_() % 12) {
      case 0:
        static_cast<void>(on_.insert_text(in, at, text()));
        break;
      case 1:
        static_cast<void>(on_.insert_text(in, at, text(), attributes()));
        break;
      case 2:
        static_cast<void>(on_.insert_embed(in, at, value(), attributes()));
        break;
      case 3:
        static_cast<void>(on_.format(in, at, length, attributes()));
        break;
      case 4:
        static_cast<void>(on_.erase(in, at, length));
        break;
      case 5:
        static_cast<void>(on_.apply_delta(in, text()));
        break;
      case 6: {
        const std::vector<crdt::value> values = {value(), value()};
        static_cast<void>(on_.insert(in, at, values));
        break;
      }
      case 7:
        static_cast<void>(on_.insert_type(in, at, kind(), text()));
        break;
      case 8:
        static_cast<void>(on_.set(in, key(), value()));
        break;
      case 9:
        static_cast<void>(on_.set_type(in, key(), kind(), text()));
        break;
      case 10:
        static_cast<void>(on_.remove(in, key()));
        break;
      default:
        static_cast<void>(numbers_() % 2 == 0 ? on_.insert_document(in, at, text(), value())
                                              : on_.set_document(in, key(), text(), value()));
    }
  }

  type_kind kind() { return static_cast<type_kind>(numbers_() % 7); }
  std::string key() { return std::string(1, static_cast<char>('a' + numbers_() % 3)); }

  std::string text() {
    static constexpr const char* fixed[] = {
        "a",
        "bc",
        "\xf0\x9f\x98\x80",
        "x\xf0\x9f\x98\x80y",
        "\n",
        "",
        R"([{"insert":"ab","attributes":{"b":true}},{"retain":1,"attributes":{"b":null}},{"delete":2}])",
        R"({"ops":[{"retain":3},{"insert":{"image":"x"}},{"insert":"end\n"}]})"};
    const auto which = numbers_() % 10;
    if (which < 8) return fixed[which];
    std::string any;
    for (auto count = numbers_() % 16; count > 0; --count) any += static_cast<char>(numbers_());
    return any;
  }

  crdt::value value() {
    switch (numbers_() % 7) {
      case 0:
        return nullptr;
      case 1:
        return static_cast<double>(numbers_());
      case 2:
        return text();
      case 3:
        return true;
      case 4:
        return crdt::value::undefined();
      case 5:
        return crdt::value::bigint(static_cast<std::int64_t>(numbers_()));
      default: {
        const std::vector<std::pair<std::string, crdt::value>> members = {{key(), text()}};
        return crdt::value::object(members);
      }
    }
  }

  std::vector<crdt::attribute> attributes() {
    std::vector<crdt::attribute> out;
    for (auto count = numbers_() % 3; count > 0; --count) out.push_back({key(), value()});
    return out;
  }

  crdt::edit& on_;
  fuzz::number_source& numbers_;
};

void do_steps(crdt::edit& in, fuzz::number_source& numbers) {
  editor edits(in, numbers);
  for (auto count = 1 + numbers() % 4; count > 0; --count) edits.step();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t longest = 300;
  fuzz::number_source numbers(fuzz::view(data, size < longest ? size : longest));
  crdt::document here;
  crdt::document there;
  std::vector<bytes> updates;
  while (!numbers.empty()) {
    const auto how = numbers() % 4;
    bytes update;
    if (how == 0) {
      // As of a version.
      crdt::document older;
      const auto version = numbers() % (updates.size() + 1);
      for (std::size_t i = 0; i < version; ++i) require(bool(older.apply_v1(updates[i])), "a version is built");
      crdt::edit edit(older, writer + 1 + updates.size());
      do_steps(edit, numbers);
      auto done = edit.commit();
      require_sound(older, "the older version is sound");
      if (!done || done->update.empty()) continue;
      update = std::move(done->update);
      require(bool(here.apply_v1(update)), "an edit as of a version applies");
    } else {
      const auto before = here.encode_state_as_update_v1();
      const auto shown = here.to_json();
      crdt::edit edit(here, writer);
      do_steps(edit, numbers);
      auto done = crdt::edit_result<crdt::committed>(crdt::edit_errc::not_open);
      if (how == 1)
        edit.rollback();
      else
        done = edit.commit();
      require_sound(here, "the document is sound");
      if (!done) {
        if (!here.usable()) return 0;
        if (how != 1) edit.rollback();
        require(here.encode_state_as_update_v1() == before, "what was taken back leaves no trace");
        require(here.to_json() == shown, "and shows nothing");
        continue;
      }
      update = std::move(done->update);
      if (update.empty()) continue;
    }
    require_sound(here, "the document is sound");
    require(bool(there.apply_v1(update)), "an edit applies elsewhere");
    updates.push_back(std::move(update));
    require(dump_of(here) == dump_of(there), "and leads to the same");
    for (const auto root : {0, 1, 2, 3})
      require(here.json(roots[root], kinds[root]) == there.json(roots[root], kinds[root]), "with the same content");
  }
  return 0;
}
