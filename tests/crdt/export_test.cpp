#include "tests/crdt/support/formats.hpp"

#include <chrono>

namespace {

using namespace octavo;
using namespace octavo::test;

std::string html_of_json(std::string_view json) {
  return html_of(document_of(json));
}
std::string markdown_of_json(std::string_view json) {
  return markdown_of(document_of(json));
}

std::string doc(std::string_view content) {
  return R"({"type":"doc","content":[)" + std::string(content) + "]}";
}

TEST_CASE("a document of Tiptap becomes HTML") {
  CHECK(
      html_of_json(doc(R"({"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"T"}]},
    {"type":"paragraph","content":[{"type":"text","text":"a "},{"type":"text","text":"b","marks":[{"type":"bold"}]},
      {"type":"hardBreak"},
      {"type":"text","text":"c","marks":[{"type":"link","attrs":{"href":"https://a.example/?x&y","target":"_blank"}},
        {"type":"italic"}]}]},
    {"type":"codeBlock","attrs":{"language":"js"},"content":[{"type":"text","text":"a<b"}]},
    {"type":"horizontalRule"},
    {"type":"orderedList","attrs":{"start":3},"content":[{"type":"listItem","content":[{"type":"paragraph"}]}]},
    {"type":"taskList","content":[{"type":"taskItem","attrs":{"checked":true},"content":[{"type":"paragraph"}]}]},
    {"type":"image","attrs":{"src":"/a.png","alt":"A","title":null}})")) ==
      "<h2>T</h2>\n"
      "<p>a <strong>b</strong><br><a href=\"https://a.example/?x&amp;y\" target=\"_blank\" rel=\"noopener noreferrer\">"
      "<em>c</em></a></p>\n"
      "<pre><code class=\"language-js\">a&lt;b</code></pre>\n"
      "<hr>\n"
      "<ol start=\"3\"><li><p></p></li></ol>\n"
      "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
      "disabled checked></label><div><p></p></div></li></ul>\n"
      "<img src=\"/a.png\" alt=\"A\">\n");
}

TEST_CASE("tables, mentions and the rarer marks have HTML of their own") {
  CHECK(html_of_json(doc(R"({"type":"table","content":[{"type":"tableRow","content":[
      {"type":"tableHeader","attrs":{"colspan":2,"rowspan":1,"colwidth":[10,20]},"content":[{"type":"paragraph"}]}]},
    {"type":"tableRow","content":[{"type":"tableCell","attrs":{"rowspan":2},"content":[{"type":"paragraph","content":[
      {"type":"mention","attrs":{"id":"7","label":"Ann"}}]}]}]}]})")) ==
        "<table><tbody><tr><th colspan=\"2\" colwidth=\"10,20\"><p></p></th></tr><tr><td rowspan=\"2\"><p><span "
        "data-type=\"mention\" data-id=\"7\" data-label=\"Ann\">@Ann</span></p></td></tr></tbody></table>\n");
  const auto marked = [](std::string_view mark) {
    return html_of_json(paragraph_of("x", "[" + std::string(mark) + "]"));
  };
  CHECK(marked(R"({"type":"underline"})") == "<p><u>x</u></p>\n");
  CHECK(marked(R"({"type":"strike"})") == "<p><s>x</s></p>\n");
  CHECK(marked(R"({"type":"code"})") == "<p><code>x</code></p>\n");
  CHECK(marked(R"({"type":"subscript"})") == "<p><sub>x</sub></p>\n");
  CHECK(marked(R"({"type":"superscript"})") == "<p><sup>x</sup></p>\n");
  CHECK(marked(R"({"type":"highlight","attrs":{"color":"#ff0"}})") ==
        "<p><mark data-color=\"#ff0\" style=\"background-color: #ff0\">x</mark></p>\n");
  CHECK(marked(R"j({"type":"textStyle","attrs":{"color":"rgb(1, 2, 3)","fontSize":"12px"}})j") ==
        "<p><span style=\"color: rgb(1, 2, 3); font-size: 12px\">x</span></p>\n");
}

TEST_CASE("prosemirror's basic names mean the same as Tiptap's") {
  CHECK(html_of_json(
            doc(R"({"type":"bullet_list","content":[{"type":"list_item","content":[{"type":"paragraph","content":[
      {"type":"text","text":"x","marks":[{"type":"strong"},{"type":"em"}]},{"type":"hard_break"}]}]}]},
    {"type":"ordered_list","attrs":{"order":4},"content":[]},{"type":"code_block","content":[{"type":"text","text":"y"}]},
    {"type":"horizontal_rule"})")) ==
        "<ul><li><p><strong><em>x</em></strong><br></p></li></ul>\n<ol start=\"4\"></ol>\n"
        "<pre><code>y</code></pre>\n<hr>\n");
}

// A block of BlockNote, with what is nested below it.
std::string block(std::string_view type, std::string_view text, std::string_view nested = {},
                  std::string_view attributes = "{}") {
  std::string json = R"({"type":"blockContainer","attrs":{"id":"1"},"content":[{"type":")" + std::string(type) +
                     R"(","attrs":)" + std::string(attributes) + R"(,"content":[{"type":"text","text":")" +
                     std::string(text) + "\"}]}";
  if (!nested.empty()) json += R"(,{"type":"blockGroup","content":[)" + std::string(nested) + "]}";
  return json + "]}";
}

TEST_CASE("BlockNote's groups become nested lists") {
  const auto json =
      doc(R"({"type":"blockGroup","content":[)" + block("heading", "H", {}, R"({"level":1})") + "," +
          block("bulletListItem", "a", block("numberedListItem", "b") + "," + block("numberedListItem", "c")) + "," +
          block("bulletListItem", "d") + "," + block("checkListItem", "e", {}, R"({"checked":true})") + "," +
          block("quote", "q") + "," + block("paragraph", "p", block("paragraph", "inside")) + "," +
          R"({"type":"blockContainer","content":[{"type":"image","attrs":{"url":"https://a.example/i.png",
                          "caption":"C","name":"N"}}]},{"type":"blockContainer","content":[{"type":"paragraph",
                          "attrs":{"textColor":"red","textAlignment":"right"},"content":[{"type":"text","text":"x","marks":
                          [{"type":"textColor","attrs":{"stringValue":"blue"}}]}]}]})" +
          "]}");
  CHECK(html_of_json(json) ==
        "<h1>H</h1>\n<ul><li><p>a</p><ol><li><p>b</p></li><li><p>c</p></li></ol></li><li><p>d</p></li></ul>\n"
        "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
        "disabled checked></label><div><p>e</p></div></li></ul>\n<blockquote><p>q</p></blockquote>\n<p>p</p>\n"
        "<div data-type=\"blockGroup\"><p>inside</p></div>\n"
        "<img src=\"https://a.example/i.png\" alt=\"C\" title=\"C\">\n"
        "<p style=\"text-align: right; color: red\"><span style=\"color: blue\">x</span></p>\n");
  CHECK(
      markdown_of_json(json) ==
      "# H\n\n- a\n  1. b\n  2. c\n- d\n\n* [x] e\n\n> q\n\np\n\ninside\n\n![C](https://a.example/i.png \"C\")\n\nx\n");
}

TEST_CASE("the lines of a Quill text become blocks") {
  quill_text quill;
  quill.line("Title", "header", "1").text("plain ").begin("bold", "true").text("bold").end("bold").text("\n");
  quill.line("one", "list", "\"bullet\"").text("two").begin("list", "\"ordered\"").begin("indent", "1").text("\n");
  quill.end("indent").end("list").line("three", "list", "\"bullet\"").line("done", "list", "\"checked\"");
  quill.line("a <", "code-block", "\"js\"").line("", "code-block", "\"js\"").line("b", "code-block", "\"js\"");
  quill.line("said", "blockquote", "true").line("right", "align", "\"right\"");
  quill.embed(R"({"image":"https://a.example/i.png"})").text(" ").embed(R"({"formula":"x^2"})").text("\n");
  quill.embed(R"({"video":"https://v.example/1"})").text("\n").embed(R"({"chart":{"of":1}})");
  quill.begin("link", "\"https://l.example\"").begin("script", "\"sub\"").text("l").end("script").end("link");
  quill.begin("color", "\"red\"").text("c").end("color");
  const auto document = quill.document();
  CHECK(html_of(document) ==
        "<h1>Title</h1>\n<p>plain <strong>bold</strong></p>\n"
        "<ul><li><p>one</p><ol><li><p>two</p></li></ol></li><li><p>three</p></li></ul>\n"
        "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
        "disabled checked></label><div><p>done</p></div></li></ul>\n"
        "<pre><code class=\"language-js\">a &lt;\n\nb</code></pre>\n<blockquote><p>said</p></blockquote>\n"
        "<p style=\"text-align: right\">right</p>\n"
        "<p><img src=\"https://a.example/i.png\"> <span data-type=\"formula\" data-latex=\"x^2\">x^2</span></p>\n"
        "<p><a data-type=\"video\" href=\"https://v.example/1\">https://v.example/1</a></p>\n"
        "<p><span data-embed=\"{&quot;chart&quot;:{&quot;of&quot;:1}}\"></span><a "
        "href=\"https://l.example\"><sub>l</sub></a>"
        "<span style=\"color: red\">c</span></p>\n");
  CHECK(markdown_of(document) ==
        "# Title\n\nplain **bold**\n\n- one\n  1. two\n- three\n\n* [x] done\n\n```js\na <\n\nb\n```\n\n> "
        "said\n\nright\n\n"
        "![](https://a.example/i.png) <span data-type=\"formula\">x^2</span>\n\n"
        "[https://v.example/1](https://v.example/1)\n\n"
        "<span data-embed=\"{&quot;chart&quot;:{&quot;of&quot;:1}}\"></span>[<sub>l</sub>](https://l.example)c\n");
  const auto json = crdt::prosemirror_json(document, "doc");
  REQUIRE(json);
  CHECK(html_of_json(*json) == html_of(document));
}

TEST_CASE("what nobody knows stays, with its name and values") {
  CHECK(html_of_json(
            doc(R"({"type":"callout <x>","attrs":{"tone":"\"><script>"},"content":[{"type":"paragraph","content":[
      {"type":"chip","content":[{"type":"text","text":"in"}]},
      {"type":"text","text":"m","marks":[{"type":"glow","attrs":{"by":"'<"}}]}]}]})")) ==
        "<div data-type=\"callout &lt;x&gt;\" data-attrs=\"{&quot;tone&quot;:&quot;\\&quot;&gt;&lt;script&gt;&quot;}\">"
        "<p><span data-type=\"chip\">in</span><span data-mark=\"glow\" "
        "data-attrs=\"{&quot;by&quot;:&quot;'&lt;&quot;}\">m"
        "</span></p></div>\n");
}

TEST_CASE("no address that runs something survives") {
  const auto link = [](const char* address) {
    return html_of_json(paragraph_of("x", R"([{"type":"link","attrs":{"href":)" + crdt::json_string(address) + "}}]"));
  };
  const auto image = [](const char* address) {
    return html_of_json(doc(R"({"type":"image","attrs":{"src":)" + crdt::json_string(address) + "}}"));
  };
  for (const auto* address :
       {"javascript:alert(1)", "JaVaScRiPt:alert(1)", " \t\njavascript:x", "java\nscript:x", "\x01javascript:x",
        "data:text/html,<script>", "vbscript:x", "blob:x", "javascript&colon;:x", "\xE2\x80\x8Bjavascript:x",
        "file:///etc/passwd", "data:image/png,x"}) {
    INFO(address);
    CHECK(link(address) == "<p><a>x</a></p>\n");
    const auto in_markdown =
        markdown_of_json(paragraph_of("x", R"([{"type":"link","attrs":{"href":)" + crdt::json_string(address) + "}}]"));
    CHECK(in_markdown == "x\n");
  }
  CHECK(image("javascript:x") == "<img>\n");
  CHECK(image("data:text/html;base64,x") == "<img>\n");
  CHECK(image("data:image/png;base64,AAAA") == "<img src=\"data:image/png;base64,AAAA\">\n");
  for (const auto* address : {"https://a.example/a:b", "/a:b", "#a:b", "?a:b", "mailto:a@b.example", "tel:+1", "a/b"})
    CHECK(link(address) == "<p><a href=\"" + std::string(address) + "\">x</a></p>\n");
  const auto color = [](const char* value) {
    return html_of_json(
        paragraph_of("x", R"([{"type":"textStyle","attrs":{"color":)" + crdt::json_string(value) + "}}]"));
  };
  for (const auto* value : {"red; background: url(x)", "url(x)", "expression(x)", "red}", "\\75rl(x)", "'red", "/**/"})
    CHECK(color(value) == "<p><span>x</span></p>\n");
}

TEST_CASE("marks nest properly however they overlap") {
  CHECK(html_of_json(doc(R"({"type":"paragraph","content":[
      {"type":"text","text":"a","marks":[{"type":"italic"}]},
      {"type":"text","text":"b","marks":[{"type":"italic"},{"type":"bold"}]},
      {"type":"text","text":"c","marks":[{"type":"bold"}]}]})")) == "<p><em>a</em><strong><em>b</em>c</strong></p>\n");
}

TEST_CASE("Markdown escapes what would be markup") {
  const auto text = [](std::string_view of) { return markdown_of_json(paragraph_of(of)); };
  CHECK(text("# x") == "\\# x\n");
  CHECK(text("- x") == "\\- x\n");
  CHECK(text("+ x") == "\\+ x\n");
  CHECK(text("12. x") == "12\\. x\n");
  CHECK(text("1) x") == "1\\) x\n");
  CHECK(text("1.5 - x") == "1\\.5 - x\n");
  CHECK(text("> x") == "\\> x\n");
  CHECK(text("===") == "\\===\n");
  CHECK(text("*a* _b_ `c` ~~d~~ [e](f) <b> &amp; a|b \\") ==
        "\\*a\\* \\_b\\_ \\`c\\` \\~\\~d\\~\\~ \\[e\\](f) \\<b\\> \\&amp; a\\|b \\\\\n");
  CHECK(text("  x ") == "&#32; x&#32;\n");
  CHECK(text("a\nb") == "a&#10;b\n");
  CHECK(text(std::string_view("a\0b", 3)) ==
        "a\xEF\xBF\xBD"
        "b\n");
}

TEST_CASE("Markdown's delimiters are used where they are sure to be read as such") {
  const auto marked = [](std::string_view before, std::string_view text, std::string_view mark,
                         std::string_view after) {
    const auto run = [](std::string_view of, std::string_view marks) {
      return R"({"type":"text","text":)" + crdt::json_string(of) + R"(,"marks":[)" + std::string(marks) + "]},";
    };
    auto json = R"({"type":"paragraph","content":[)" + (before.empty() ? "" : run(before, "")) +
                run(text, R"({"type":")" + std::string(mark) + "\"}") + (after.empty() ? "" : run(after, ""));
    json.pop_back();
    return markdown_of_json(doc(json + "]}"));
  };
  CHECK(marked("a ", "b", "bold", " c") == "a **b** c\n");
  CHECK(marked("a", "b", "bold", "c") == "a**b**c\n");
  CHECK(marked("a", "b", "italic", "c") == "a<em>b</em>c\n");
  CHECK(marked("a ", "b", "italic", ", c") == "a _b_, c\n");
  CHECK(marked("a", "(b)", "bold", "c") == "a<strong>(b)</strong>c\n");
  CHECK(marked("a", " b ", "bold", "c") == "a<strong> b </strong>c\n");
  CHECK(marked("ж", "ж", "bold", "ж") == "ж**ж**ж\n");
  CHECK(marked("", "b", "strike", "") == "~~b~~\n");
  CHECK(marked("", "b", "underline", "") == "<u>b</u>\n");
  CHECK(marked("", "a`b", "code", "") == "``a`b``\n");
  CHECK(marked("", "`", "code", "") == "`` ` ``\n");
  CHECK(marked("", "a\nb", "code", "") == "<code>a&#10;b</code>\n");
  CHECK(marked("!", "l", "link", "") == "!l\n");
  CHECK(markdown_of_json(
            doc(R"j({"type":"paragraph","content":[{"type":"text","text":"!"},{"type":"text","text":"l","marks":
    [{"type":"link","attrs":{"href":"/a (b)"}}]}]})j")) == "\\![l](</a \\(b\\)>)\n");
}

TEST_CASE("Markdown's lists do not run into each other, and fences are longer than what they hold") {
  const std::string item =
      R"({"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]})";
  const std::string list = R"({"type":"bulletList","content":[)" + item + "," + item + "]}";
  CHECK(markdown_of_json(doc(list + "," + list + "," + list)) == "- x\n- x\n\n* x\n* x\n\n- x\n- x\n");
  const std::string code = R"({"type":"codeBlock","content":[{"type":"text","text":"````\nb\r\rc"}]})";
  CHECK(markdown_of_json(doc(R"({"type":"bulletList","content":[{"type":"listItem","content":[)" + code + "]}]}")) ==
        "- `````\n  ````\n  b\n\n  c\n  `````\n");
  CHECK(markdown_of_json(doc(R"({"type":"blockquote","content":[{"type":"blockquote","content":[)" + list +
                             R"(,{"type":"horizontalRule"}]}]})")) == "> > - x\n> > - x\n> >\n> > ___\n");
}

TEST_CASE("a table in Markdown has as many columns as its longest row") {
  const auto cell = [](std::string_view text) {
    return R"({"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":)" +
           crdt::json_string(text) + R"(}]},{"type":"paragraph","content":[{"type":"text","text":"2"}]}]})";
  };
  CHECK(markdown_of_json(doc(R"({"type":"table","content":[{"type":"tableRow","content":[)" + cell("a|b") +
                             R"(]},{"type":"tableRow","content":[)" + cell("c") + "," + cell("d") + "]}]}")) ==
        "| a\\|b<br>2 | |\n| --- | --- |\n| c<br>2 | d<br>2 |\n");
}

TEST_CASE("what is no rich text is refused, and says so") {
  crdt::document document;
  feed(document, update_builder().block(5, 0).set("doc", "k", 1).build());
  CHECK(crdt::html(document, "doc").error() == crdt::export_errc::not_rich_text);
  crdt::document fragment;
  // A map among XML elements.
  feed(fragment, update_builder().block(5, 0).type(6, {}, "doc").type_after(1, {5, 0}).build());
  crdt::export_options options;
  options.as = crdt::type_kind::xml_fragment;
  CHECK(crdt::prosemirror_json(fragment, "doc", options).error() == crdt::export_errc::unsupported_content);
  CHECK(*crdt::prosemirror_json(fragment, "absent") == R"({"type":"doc","content":[]})");
  CHECK(crdt::html(fragment, "absent")->empty());
  CHECK(crdt::markdown(fragment, "absent")->empty());
  options.max_bytes = 10;
  CHECK(crdt::html(document_of(paragraph_of("a longer text")), "doc", options).error() == crdt::export_errc::too_large);
}

TEST_CASE("types that nest as deep as a document admits are written") {
  crdt::document document;
  update_builder builder;
  builder.block(5, 0);
  const std::uint64_t depth = 1990;
  const auto element = [&](maybe_unit parent) {
    bytes data;
    crdt::lib0_writer writer(data);
    writer.u8(7);
    writer.u8(parent ? 0 : 1);
    if (parent) {
      writer.var_uint(parent->client);
      writer.var_uint(parent->clock);
    } else {
      writer.var_string("doc");
    }
    writer.u8(3);
    writer.var_string("blockquote");
    builder.raw(data);
  };
  element({});
  for (std::uint64_t i = 1; i < depth; ++i) element(unit{5, i - 1});
  feed(document, builder.build());
  std::string open;
  for (std::uint64_t i = 0; i < depth; ++i) open += "<blockquote>";
  CHECK(html_of(document).starts_with(open));
  CHECK(crdt::prosemirror_json(document, "doc")->size() > depth * 20);
  CHECK(crdt::markdown(document, "doc"));
}

TEST_CASE("a text with ever more formats is bounded by the size of what it would become") {
  quill_text quill;
  for (int i = 0; i < 3000; ++i) quill.begin("f" + std::to_string(i), "true").text("x");
  const auto document = quill.document();
  crdt::export_options options;
  options.max_bytes = std::size_t{1} << 20;
  CHECK(crdt::html(document, "doc", options).error() == crdt::export_errc::too_large);
  CHECK(crdt::prosemirror_json(document, "doc", options).error() == crdt::export_errc::too_large);
}

TEST_CASE("a large document is written in linear time") {
  const auto time_of = [](std::size_t paragraphs) {
    std::string json;
    for (std::size_t i = 0; i < paragraphs; ++i)
      json += (i == 0 ? "" : ",") + std::string(R"({"type":"paragraph","content":[{"type":"text","text":"some *text*"},
        {"type":"text","text":"bold","marks":[{"type":"bold"}]}]})");
    const auto document = document_of(doc(json));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(html_of(document).size() > paragraphs * 20);
    CHECK(markdown_of(document).size() > paragraphs * 20);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  time_of(1000);
  const auto small = time_of(2000);
  const auto large = time_of(32000);
  // Sixteen times as much: far less than the square, whatever else the machine does.
  CHECK(large < 100 * small);
}

}  // namespace
