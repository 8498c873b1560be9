// Rich text beside plain text: the same edits by position in a text of many runs, each formatted or none, with what a
// peer does that gets them. bench/peers/rich.mjs does the same with yjs.
#include "rich.hpp"

#include <array>
#include <string>
#include <vector>

#include "crdt/document.hpp"
#include "crdt/edit.hpp"
#include "measure.hpp"

namespace octavo::bench {

namespace {

constexpr std::string_view run_text = "words";
constexpr std::uint32_t edits = 2000;
constexpr std::uint64_t author = 1;

/// The positions of both languages: a linear congruence of 32 bits (Numerical Recipes).
class positions {
 public:
  std::uint64_t below(std::uint64_t limit) {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<std::uint64_t>(state_) * limit >> 32;
  }

 private:
  std::uint32_t state_ = 7;
};

crdt::attribute attributes_of(std::uint32_t run) {
  if (run % 2 == 0) return {"bold", crdt::value::boolean(true)};
  return {"color", crdt::value("#00" + std::to_string(run % 7))};
}

template <class Work>
bytes edited(crdt::document& on, Work&& work) {
  crdt::edit edit(on, author);
  const auto text = edit.root("text", crdt::type_kind::text);
  check(text && work(edit, *text), "an edit was refused");
  auto done = edit.commit();
  check(bool(done), "an edit could not be finished");
  return std::move(done->update);
}

struct timed {
  double local_us = 0;
  double remote_us = 0;
};

// Each edit is made by position in one document, and the updates are then applied by another one.
template <class Work>
timed measure(crdt::document& local, crdt::document& remote, std::uint32_t count, Work&& work) {
  std::vector<bytes> updates;
  updates.reserve(count);
  double start = processor_ms();
  for (std::uint32_t i = 0; i < count; ++i)
    updates.push_back(edited(local, [&](crdt::edit& edit, crdt::type_handle text) { return work(edit, text, i); }));
  timed out;
  out.local_us = (processor_ms() - start) * 1e3 / count;
  start = processor_ms();
  for (const auto& update : updates) {
    // Nothing changed where the format was there already.
    if (!update.empty()) check(bool(remote.apply_v1(update)), "an update was refused");
  }
  out.remote_us = (processor_ms() - start) * 1e3 / count;
  return out;
}

void print(const char* name, const timed& times) {
  std::printf(R"("%s_us":%.3f,"%s_remote_us":%.3f,)", name, times.local_us, name, times.remote_us);
}

void measure_text(std::uint32_t runs, bool rich) {
  crdt::document local;
  crdt::document remote;
  positions random;
  std::printf(R"({"engine":"octavo","runs":%u,"rich":%s,)", runs, rich ? "true" : "false");
  print("build", measure(local, remote, runs, [&](crdt::edit& edit, crdt::type_handle text, std::uint32_t i) {
          const std::array<crdt::attribute, 1> with = {attributes_of(i)};
          return rich ? bool(edit.insert_text(text, 0, run_text, with)) : bool(edit.insert_text(text, 0, run_text));
        }));
  const auto length = [&] { return local.length("text"); };
  print("insert", measure(local, remote, edits, [&](crdt::edit& edit, crdt::type_handle text, std::uint32_t) {
          return bool(edit.insert_text(text, random.below(length()), "x"));
        }));
  print("erase", measure(local, remote, edits, [&](crdt::edit& edit, crdt::type_handle text, std::uint32_t) {
          return bool(edit.erase(text, random.below(length() - 20), 20));
        }));
  print("format", measure(local, remote, edits, [&](crdt::edit& edit, crdt::type_handle text, std::uint32_t i) {
          const std::array<crdt::attribute, 1> with = {{{"italic", crdt::value::boolean(i % 3 != 0)}}};
          return bool(edit.format(text, random.below(length() - 20), 20, with));
        }));
  check(local.delta_json("text") == remote.delta_json("text"), "the two documents differ");
  const bytes state = local.encode_state_as_update_v1();
  const double load_ms = best_ms([&] {
    crdt::document loaded;
    check(bool(loaded.apply_stored_v1(state)), "a state could not be loaded");
  });
  const double encode_ms = best_ms([&] { check(!local.encode_state_as_update_v1().empty(), "encode"); });
  const double delta_ms = best_ms([&] { check(!local.delta_json("text").empty(), "delta"); });
  const auto stats = local.stats();
  std::printf(R"("load_ms":%.3f,"encode_ms":%.3f,"delta_ms":%.3f,"doc_bytes":%zu,"items":%zu,"memory_bytes":%zu})"
              "\n",
              load_ms, encode_ms, delta_ms, state.size(), stats.items, stats.memory_bytes);
}

}  // namespace

void measure_rich(std::uint32_t runs) {
  measure_text(runs, false);
  measure_text(runs, true);
}

}  // namespace octavo::bench
