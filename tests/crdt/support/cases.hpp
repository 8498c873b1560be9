// Reads the files that tests/clients/oracle/cases.mjs writes: documents as yjs made and shows them.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/lib0.hpp"

namespace octavo::test {

struct expected_root {
  std::string_view name;
  std::string_view kind;
  std::vector<std::string_view> views;
};

struct oracle_case {
  std::string_view kind;  // "document", or what is asked of `data`
  std::string_view name;
  bool gc = true;
  std::vector<bytes_view> updates;
  bytes_view state;
  bytes_view vector;  // empty: not known
  std::vector<expected_root> roots;
  std::string_view order;
  std::vector<bytes_view> in_v1;  // the updates, and the state last
  std::vector<bytes_view> in_v2;  // the same in encoding 2
  bytes_view half_vector;         // of the first half of the updates, merged
  bytes_view bare_state;          // the state as yjs copies it without a document
  bytes_view rest;                // of it, for somebody who has that half
  bytes_view one_vector;          // of the update in the middle alone
  bytes_view data;
};

/// A file of cases; the views of the cases point into it.
class case_file {
 public:
  explicit case_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    content_.assign(std::istreambuf_iterator<char>(in), {});
    crdt::lib0_reader reader(as_bytes(content_));
    std::string_view magic;
    std::uint64_t count = 0;
    reader.var_string(magic);
    reader.var_uint(count);
    good_ = magic == "octavo-cases-2";
    for (std::uint64_t i = 0; good_ && i < count; ++i) read(reader);
    good_ = good_ && reader.expect_end();
  }

  bool good() const { return good_; }
  const std::vector<oracle_case>& cases() const { return cases_; }

 private:
  void read(crdt::lib0_reader& reader) {
    oracle_case next;
    std::uint64_t number = 0;
    reader.var_string(next.kind);
    reader.var_string(next.name);
    if (next.kind != "document") {
      reader.var_bytes(next.data);
      good_ = !reader.failed();
      cases_.push_back(next);
      return;
    }
    reader.var_uint(number);
    next.gc = number == 1;
    reader.var_uint(number);
    for (std::uint64_t i = 0; i < number && !reader.failed(); ++i) reader.var_bytes(next.updates.emplace_back());
    reader.var_bytes(next.state);
    reader.var_bytes(next.vector);
    reader.var_uint(number);
    for (std::uint64_t i = 0; i < number && !reader.failed(); ++i) {
      auto& root = next.roots.emplace_back();
      std::uint64_t views = 0;
      reader.var_string(root.name);
      reader.var_string(root.kind);
      reader.var_uint(views);
      for (std::uint64_t j = 0; j < views && !reader.failed(); ++j) reader.var_string(root.views.emplace_back());
    }
    reader.var_string(next.order);
    for (std::size_t i = 0; i <= next.updates.size() && !reader.failed(); ++i) {
      reader.var_bytes(next.in_v1.emplace_back());
      reader.var_bytes(next.in_v2.emplace_back());
    }
    reader.var_bytes(next.half_vector);
    reader.var_bytes(next.bare_state);
    reader.var_bytes(next.rest);
    reader.var_bytes(next.one_vector);
    good_ = !reader.failed();
    cases_.push_back(std::move(next));
  }

  std::string content_;
  std::vector<oracle_case> cases_;
  bool good_ = false;
};

}  // namespace octavo::test
