#include <set>

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

TEST_CASE("plain text has a paragraph a line, whatever ends its lines") {
  const auto paragraphs = [](std::string_view text) {
    crdt::document document;
    feed(document, *crdt::import_text(text, as_client(5), crdt::text_form::paragraphs));
    return html_of(document);
  };
  CHECK(paragraphs("a\nb") == "<p>a</p>\n<p>b</p>\n");
  CHECK(paragraphs("a\r") == "<p>a</p>\n");
  CHECK(paragraphs("a\r\n\r\rb") == "<p>a</p>\n<p></p>\n<p></p>\n<p>b</p>\n");
  CHECK(paragraphs("") == "<p></p>\n");
  CHECK(paragraphs("\n") == "<p></p>\n");
  auto options = as_client(5);
  options.max_nodes = 4;
  CHECK(crdt::import_text("a\nb\nc\n", options, crdt::text_form::paragraphs).error().code ==
        crdt::import_errc::too_many_nodes);
  CHECK(crdt::import_text("a\nb\nc\n", options));
  options.max_bytes = 5;
  CHECK(crdt::import_text("a\nb\nc\n", options).error().code == crdt::import_errc::too_large);
  CHECK(crdt::import_text("a", as_client(std::uint64_t{1} << 53)).error().code == crdt::import_errc::bad_client);
}

TEST_CASE("the place of what is no UTF-8 is where it begins") {
  struct {
    std::string_view text;
    std::size_t offset;
  } const cases[] = {
      {"\xFF", 0},
      {"\xFF and more that is fine", 0},
      {"a\xFF and more that is fine", 1},
      {"much that is fine\xFF", 17},
      {"much that is fine\xFF and more that is fine", 17},
      // A character that is cut short, at the end and before others.
      {"ab\xF0\x9F\x98", 2},
      {"ab\xF0\x9F\x98 and more", 2},
      {"\xC3\xBC\xF0\x9F\x98\x80\xE2\x82 and more", 6},
      // A surrogate, and what is longer than it need be.
      {"abc\xED\xA0\x80 and more", 3},
      {"abc\xC0\x80 and more", 3},
  };
  for (const auto& each : cases) {
    CAPTURE(each.text.size());
    const auto error = crdt::import_text(each.text, as_client(5)).error();
    CHECK(error.code == crdt::import_errc::bad_utf8);
    CHECK(error.offset == each.offset);
  }
}

TEST_CASE("the options of an import are checked for a tree, too") {
  CHECK(crdt::encode_rich_tree({}, as_client(std::uint64_t{1} << 53)).error().code == crdt::import_errc::bad_client);
  CHECK(crdt::encode_rich_tree({}, as_client(5, "\xFF")).error().code == crdt::import_errc::bad_root);
  CHECK(crdt::is_empty_update_v1(*crdt::encode_rich_tree({}, as_client(5))));
}

TEST_CASE("what y-prosemirror shows of changes is not stored") {
  CHECK(*crdt::prosemirror_json(
            document_of(R"({"type":"doc","content":[{"type":"p","attrs":{"ychange":{"type":"added"},"a":1},"content":[)"
                        R"({"type":"text","text":"x","marks":[{"type":"ychange","attrs":{}},{"type":"b"}]}]}]})"),
            "doc") ==
        R"({"type":"doc","content":[{"type":"p","attrs":{"a":1},"content":[{"type":"text","text":"x","marks":[)"
        R"({"type":"b","attrs":{}}]}]}]})");
}

TEST_CASE("members of a node are read as JavaScript reads them") {
  struct {
    std::string_view given, kept;
  } const cases[] = {
      // Of members with one name the last counts, at the place of the first.
      {R"({"type":"p","attrs":{"a":1,"b":2,"a":3}})", R"({"type":"p","attrs":{"a":3,"b":2}})"},
      {R"({"type":"p","content":null})", R"({"type":"p"})"},
      {R"({"type":"p","attrs":null,"marks":null})", R"({"type":"p"})"},
      // y-prosemirror keeps no marks of nodes, and no attributes of texts.
      {R"({"type":"p","marks":[{"type":"b"}]})", R"({"type":"p"})"},
      {R"([{"type":"text","text":"x","attrs":{"a":1}}])", R"([{"type":"text","text":"x"}])"},
      {R"([{"type":"text","text":"x","marks":[{"type":"b","attrs":null}]}])",
       R"([{"type":"text","text":"x","marks":[{"type":"b","attrs":{}}]}])"},
      {R"([{"type":"text","text":"x","marks":[]}])", R"([{"type":"text","text":"x"}])"},
      {R"([{"type":"text","text":{"image":"/i"}}])", R"([{"type":"text","text":{"image":"/i"}}])"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.given);
    const auto frame = [](std::string_view node) { return R"({"type":"doc","content":[)" + std::string(node) + "]}"; };
    CHECK(*crdt::prosemirror_json(document_of(frame(each.given)), "doc") == frame(each.kept));
  }
  // The document itself is no node that is stored.
  CHECK(*crdt::prosemirror_json(document_of(R"({"type":"page","attrs":{"a":1},"content":[]})"), "doc") ==
        R"({"type":"doc","content":[]})");
}

TEST_CASE("marks without a name are none, and deep or many values are refused wherever they are") {
  for (const auto* marks : {"[1]", "[[]]", R"([{"type":1}])", R"([{"type":null}])", R"([{"type":""}])", R"("x")"})
    CHECK(error_of(paragraph_of("x", marks)).code == crdt::import_errc::bad_document);
  const auto deep = std::string(200, '[') + std::string(200, ']');
  const auto text = R"({"type":"doc","content":[{"type":"text","text":{"a":)" + deep + "}}]}";
  CHECK(error_of(text).code == crdt::import_errc::too_deep);
  CHECK(error_of(text).offset > text.find("[[[["));
  CHECK(error_of(paragraph_of("x", R"([{"type":"m","attrs":{"a":)" + deep + "}}]")).code ==
        crdt::import_errc::too_deep);
  auto options = as_client(5);
  options.max_nodes = 4;
  CHECK(crdt::import_prosemirror_json(paragraph_of("x", R"([{"type":"a"},{"type":"b"}])"), options));
  CHECK(error_of(paragraph_of("x", R"([{"type":"a"},{"type":"b"},{"type":"c"}])"), options).code ==
        crdt::import_errc::too_many_nodes);
}

TEST_CASE("every reason why there is no import has a text of its own") {
  using crdt::import_errc;
  std::set<std::string> texts;
  for (const auto code :
       {import_errc::bad_client, import_errc::bad_root, import_errc::bad_utf8, import_errc::bad_json,
        import_errc::bad_document, import_errc::too_large, import_errc::too_deep, import_errc::too_many_nodes}) {
    texts.insert(std::string(to_string(code)));
    CHECK(to_string(crdt::import_error{code, 0}) == to_string(code));
  }
  CHECK(texts.size() == 8);
  CHECK_FALSE(texts.contains("unknown error"));
  CHECK(to_string(static_cast<import_errc>(8)) == "unknown error");
  CHECK(to_string(crdt::import_error{import_errc::bad_utf8, 17}) == "it is not UTF-8 (at byte 17)");
}

TEST_CASE("a mark that is given twice is one, and an overlapping one without values has a name with a hash, too") {
  CHECK(*crdt::prosemirror_json(document_of(paragraph_of("x", R"([{"type":"b"},{"type":"b"}])")), "doc") ==
        paragraph_of("x", R"([{"type":"b","attrs":{}}])"));
  auto options = as_client(5);
  options.overlapping_marks = {"comment"};
  crdt::document document;
  feed(document, *crdt::import_prosemirror_json(paragraph_of("x", R"([{"type":"comment"}])"), options));
  CHECK(document.xml("doc").find("<comment--") != std::string::npos);
  CHECK(*crdt::prosemirror_json(document, "doc") == paragraph_of("x", R"([{"type":"comment","attrs":{}}])"));
}

}  // namespace
