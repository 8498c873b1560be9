#include "tests/crdt/support/formats.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

crdt::import_error error_of(std::string_view json, crdt::import_options options = as_client(5)) {
  const auto update = crdt::import_prosemirror_json(json, options);
  REQUIRE_FALSE(update);
  return update.error();
}

TEST_CASE("plain text becomes a shared text, or paragraphs") {
  crdt::document text;
  feed(text, *crdt::import_text("a\r\nb\rc\n", as_client(5)));
  CHECK(text.text("doc") == "a\nb\nc\n");
  CHECK(text.clock(5) == 6);
  crdt::document paragraphs;
  feed(paragraphs, *crdt::import_text("a\n\nb\n", as_client(5), crdt::text_form::paragraphs));
  CHECK(*crdt::prosemirror_json(paragraphs, "doc") ==
        R"({"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]},{"type":"paragraph"},)"
        R"({"type":"paragraph","content":[{"type":"text","text":"b"}]}]})");
  CHECK(crdt::is_empty_update_v1(*crdt::import_text("", as_client(5))));
  CHECK(crdt::import_text("ab\xFF", as_client(5)).error().code == crdt::import_errc::bad_utf8);
  CHECK(crdt::import_text("ab\xFF", as_client(5)).error().offset == 2);
}

TEST_CASE("ProseMirror's JSON comes out as it went in") {
  for (
      const auto* json :
      {R"({"type":"doc","content":[]})", R"({"type":"doc","content":[{"type":"paragraph"}]})",
       R"({"type":"doc","content":[{"type":"h","attrs":{"a":1,"b":"x","c":[1,{"d":null}],"e":1.5,"f":true}}]})",
       R"({"type":"doc","content":[{"type":"p","content":[{"type":"text","text":"a","marks":[{"type":"bold","attrs":{}}]},)"
       R"({"type":"text","text":"b"},{"type":"br"},{"type":"text","text":"c"}]}]})",
       R"({"type":"doc","content":[[{"type":"text","text":"at the top"}]]})"})
    CHECK(*crdt::prosemirror_json(document_of(json), "doc") == json);
}

TEST_CASE("the members of a node may come in any order, and unknown ones are skipped") {
  CHECK(*crdt::prosemirror_json(
            document_of(
                R"( { "content" : [ {"content":[{"marks":null,"text":"a\u0062","type":"text","x":[{}]}],"attrs":null,)"
                R"("type":"p"} ], "y" : 1, "type" : "doc" } )"),
            "doc") == R"({"type":"doc","content":[{"type":"p","content":[{"type":"text","text":"ab"}]}]})");
}

TEST_CASE("texts without characters, which ProseMirror refuses, are nothing") {
  CHECK(*crdt::prosemirror_json(
            document_of(
                R"({"type":"doc","content":[{"type":"p","content":[{"type":"text","text":""}]},{"type":"p","content":[)"
                R"({"type":"text"},{"type":"text","text":"a"},{"type":"text","text":""},{"type":"br"}]}]})"),
            "doc") ==
        R"({"type":"doc","content":[{"type":"p"},{"type":"p","content":[{"type":"text","text":"a"},{"type":"br"}]}]})");
}

TEST_CASE("attributes that are null are not stored, as y-prosemirror does it") {
  CHECK(*crdt::prosemirror_json(document_of(R"({"type":"doc","content":[{"type":"p","attrs":{"a":null,"b":0}}]})"),
                                "doc") == R"({"type":"doc","content":[{"type":"p","attrs":{"b":0}}]})");
}

TEST_CASE("marks of one type on one text are stored under names with hashes") {
  const auto document =
      document_of(paragraph_of("x", R"([{"type":"comment","attrs":{"id":1}},{"type":"comment","attrs":{"id":2}}])"));
  CHECK(*crdt::prosemirror_json(document, "doc") ==
        R"({"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"x","marks":[)"
        R"({"type":"comment","attrs":{"id":1}},{"type":"comment","attrs":{"id":2}}]}]}]})");
  auto options = as_client(5);
  options.overlapping_marks = {"comment"};
  crdt::document one;
  feed(one, *crdt::import_prosemirror_json(paragraph_of("x", R"([{"type":"comment","attrs":{"id":1}}])"), options));
  CHECK(one.xml("doc").find("<comment--") != std::string::npos);
}

TEST_CASE("what is no document is refused with its place") {
  CHECK(error_of("").code == crdt::import_errc::bad_json);
  CHECK(error_of("{]").code == crdt::import_errc::bad_json);
  CHECK(error_of("{]").offset == 1);
  for (const auto* json :
       {"1", "[]", "{}", R"({"type":1})", R"({"type":"text","text":"x"})", R"({"type":"doc","content":{}})",
        R"({"type":"doc","content":[1]})", R"({"type":"doc","content":[{"content":[]}]})",
        R"({"type":"doc","content":[{"type":"text","content":[{"type":"p"}]}]})",
        R"({"type":"doc","content":[{"type":"p","attrs":1}]})", R"({"type":"doc","content":[{"type":"p","marks":{}}]})",
        R"({"type":"doc","content":[{"type":"text","text":1}]})", R"({"type":"doc","content":[[[]]]})",
        R"({"type":"doc","content":[{"type":"text","text":"x","marks":[{}]}]})"}) {
    INFO(json);
    CHECK(error_of(json).code == crdt::import_errc::bad_document);
  }
  CHECK(error_of("\"\xC3\"").code == crdt::import_errc::bad_utf8);
}

TEST_CASE("every limit of an import is checked") {
  auto options = as_client(5);
  options.max_bytes = 5;
  CHECK(error_of(R"({"type":"doc"})", options).code == crdt::import_errc::too_large);
  options = as_client(5);
  options.max_nodes = 2;
  CHECK(error_of(R"({"type":"doc","content":[{"type":"p"},{"type":"p"},{"type":"p"}]})", options).code ==
        crdt::import_errc::too_many_nodes);
  CHECK(error_of(R"({"type":"doc","content":[{"type":"p","attrs":{"a":1,"b":2}}]})", options).code ==
        crdt::import_errc::too_many_nodes);
  CHECK(error_of(R"({"type":"doc"})", as_client(std::uint64_t{1} << 53)).code == crdt::import_errc::bad_client);
  CHECK(error_of(R"({"type":"doc"})", as_client(1, "\xFF")).code == crdt::import_errc::bad_root);
  const auto nested = [](std::size_t depth) {
    std::string json = R"({"type":"doc")";
    for (std::size_t i = 0; i < depth; ++i) json += R"(,"content":[{"type":"q")";
    for (std::size_t i = 0; i < depth; ++i) json += "}]";
    return json + "}";
  };
  CHECK(document_of(nested(499)).usable());
  CHECK(error_of(nested(501)).code == crdt::import_errc::too_deep);
  CHECK(error_of(nested(100000)).code == crdt::import_errc::too_deep);
  const auto value =
      R"({"type":"doc","content":[{"type":"p","attrs":{"a":)" + std::string(200, '[') + std::string(200, ']') + "}}]}";
  CHECK(error_of(value).code == crdt::import_errc::too_deep);
}

TEST_CASE("whatever an import makes, a decoder takes with its usual limits") {
  const auto deep = R"({"type":"doc","content":[{"type":"p","attrs":{"a":)" + std::string(120, '[') +
                    std::string(120, ']') + R"(}},{"type":"text","text":"x","marks":[{"type":"m","attrs":{"a":)" +
                    std::string(118, '[') + std::string(118, ']') + "}}]}]}";
  CHECK(document_of(deep).usable());
}

}  // namespace
