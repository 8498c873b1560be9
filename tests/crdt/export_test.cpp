#include "tests/crdt/support/formats.hpp"

#include <ctime>
#include <set>

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
  // A link is around all others, and code is in all of them.
  CHECK(html_of_json(paragraph_of("x", R"([{"type":"code"},{"type":"glow"},{"type":"italic"},{"type":"bold"},
      {"type":"link","attrs":{"href":"/l"}}])")) ==
        "<p><a href=\"/l\"><strong><em><span data-mark=\"glow\"><code>x</code></span></em></strong></a></p>\n");
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
  // A number is one.
  CHECK(text("12") == "12\n");
  CHECK(text("12a. b") == "12a. b\n");
  CHECK(text("1{ 2} 3^ @") == "1{ 2} 3^ @\n");
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
  CHECK(marked("a{", "b", "italic", "}c") == "a{_b_}c\n");
  CHECK(marked("a^", "b", "italic", "^c") == "a^_b_^c\n");
  // White space that is written as a reference divides as it does itself; of other controls nobody knows.
  for (const char c : {'\t', '\n', '\f', '\r'})
    CHECK(marked(std::string("a") + c, "b", "italic", "") == "a&#" + std::to_string(c) + ";_b_\n");
  CHECK(marked("a\x02", "b", "italic", "") == "a&#2;<em>b</em>\n");
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
    const auto begin = std::clock();
    CHECK(html_of(document).size() > paragraphs * 20);
    CHECK(markdown_of(document).size() > paragraphs * 20);
    return static_cast<double>(std::clock() - begin);
  };
  time_of(1000);
  const auto small = time_of(2000);
  const auto large = time_of(32000);
  // Sixteen times as much: far less than the square, whatever else the machine does.
  CHECK(large < 100 * small);
}

// A format of one letter, in a line of its own.
std::string html_of_letter(std::string_view key, std::string_view json) {
  return html_of(quill_text().begin(key, json).text("x").end(key).text("\n").document());
}

TEST_CASE("Quill's formats of letters become marks and styles") {
  struct {
    std::string_view key, json, html;
  } const cases[] = {
      {"bold", "true", "<p><strong>x</strong></p>\n"},
      {"italic", "true", "<p><em>x</em></p>\n"},
      {"underline", "true", "<p><u>x</u></p>\n"},
      {"strike", "true", "<p><s>x</s></p>\n"},
      {"code", "true", "<p><code>x</code></p>\n"},
      {"script", "\"sub\"", "<p><sub>x</sub></p>\n"},
      {"script", "\"super\"", "<p><sup>x</sup></p>\n"},
      {"color", "\"#f00\"", "<p><span style=\"color: #f00\">x</span></p>\n"},
      {"background", "\"yellow\"", "<p><span style=\"background-color: yellow\">x</span></p>\n"},
      {"font", "\"monospace\"", "<p><span style=\"font-family: monospace\">x</span></p>\n"},
      {"size", "\"large\"", "<p><span style=\"font-size: large\">x</span></p>\n"},
      {"link", "\"/l\"", "<p><a href=\"/l\">x</a></p>\n"},
      {"note", "7", "<p><span data-mark=\"note\" data-attrs=\"{&quot;value&quot;:7}\">x</span></p>\n"},
      {"mine", "true", "<p><span data-mark=\"mine\">x</span></p>\n"},
      {"glow", "{}", "<p><span data-mark=\"glow\">x</span></p>\n"},
      {"backgroundColor", "{}", "<p><span>x</span></p>\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.key);
    CHECK(html_of_letter(each.key, each.json) == each.html);
  }
}

TEST_CASE("Quill's formats of lines become blocks and their styles") {
  struct {
    std::string_view key, json, html;
  } const cases[] = {
      {"align", "\"center\"", "<p style=\"text-align: center\">x</p>\n"},
      {"direction", "\"rtl\"", "<p dir=\"rtl\">x</p>\n"},
      {"direction", "\"ltr\"", "<p>x</p>\n"},
      {"indent", "2", "<p style=\"margin-left: 6em\">x</p>\n"},
      {"indent", "\"2\"", "<p style=\"margin-left: 6em\">x</p>\n"},
      // What no editor makes is no indent.
      {"indent", "-1", "<p>x</p>\n"},
      {"indent", "0", "<p>x</p>\n"},
      {"indent", "1000", "<p>x</p>\n"},
      {"indent", "1e300", "<p>x</p>\n"},
      {"indent", "\"two\"", "<p>x</p>\n"},
      {"indent", "{}", "<p>x</p>\n"},
      {"header", "6", "<h6>x</h6>\n"},
      {"header", "7", "<h6>x</h6>\n"},
      {"header", "true", "<h1>x</h1>\n"},
      {"blockquote", "true", "<blockquote><p>x</p></blockquote>\n"},
      {"blockquote", "false", "<p>x</p>\n"},
      {"code-block", "true", "<pre><code>x</code></pre>\n"},
      {"code-block", "\"plain\"", "<pre><code>x</code></pre>\n"},
      {"code-block", "\"c++\"", "<pre><code class=\"language-c++\">x</code></pre>\n"},
      {"code-block", "false", "<p>x</p>\n"},
      {"list", "\"ordered\"", "<ol><li><p>x</p></li></ol>\n"},
      {"list", "\"bullet\"", "<ul><li><p>x</p></li></ul>\n"},
      {"list", "\"unchecked\"",
       "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"false\"><label><input type=\"checkbox\" "
       "disabled></label><div><p>x</p></div></li></ul>\n"},
      {"table", "\"row-1\"", "<table><tbody><tr><td><p>x</p></td></tr></tbody></table>\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.key);
    CAPTURE(each.json);
    CHECK(html_of(quill_text().line("x", each.key, each.json).document()) == each.html);
  }
  // Two lines in one run are of one kind.
  CHECK(html_of(quill_text().begin("header", "2").text("a\nb\n").end("header").document()).starts_with("<h2>"));
}

TEST_CASE("the cells of a Quill table are those of one row if they say so") {
  quill_text quill;
  quill.line("a", "table", "\"1\"").line("b", "table", "\"1\"").line("c", "table", "\"2\"").text("between\n");
  quill.line("d", "table", "\"2\"");
  CHECK(html_of(quill.document()) ==
        "<table><tbody><tr><td><p>a</p></td><td><p>b</p></td></tr><tr><td><p>c</p></td></tr></tbody></table>\n"
        "<p>between</p>\n<table><tbody><tr><td><p>d</p></td></tr></tbody></table>\n");
  CHECK(markdown_of(quill.document()) == "| a | b |\n| --- | --- |\n| c |\n\nbetween\n\n| d |\n| --- |\n");
}

TEST_CASE("what a Quill text has embedded keeps its formats and values") {
  quill_text image;
  image.begin("alt", "\"A\"").begin("width", "\"300\"").begin("height", "40").begin("link", "\"/l\"");
  image.embed(R"({"image":"/i.png"})").end("alt").end("width").end("height").end("link").text("\n");
  CHECK(html_of(image.document()) ==
        "<p><a href=\"/l\"><img src=\"/i.png\" alt=\"A\" width=\"300\" height=\"40\"></a></p>\n");
  quill_text video;
  video.begin("width", "9").begin("bold", "true").embed(R"({"video":"/v"})").end("width").end("bold").text("\n");
  CHECK(html_of(video.document()) == "<p><strong><a data-type=\"video\" href=\"/v\">/v</a></strong></p>\n");
  CHECK(
      *crdt::prosemirror_json(video.document(), "doc") ==
      R"({"type":"doc","content":[{"type":"paragraph","content":[{"type":"video","attrs":{"src":"/v","width":9}}]}]})");
  const auto embedded = [](std::string_view json) { return html_of(quill_text().embed(json).text("\n").document()); };
  CHECK(embedded(R"({"mention":{"id":"7","value":"Ann","denotationChar":"@"}})") ==
        "<p><span data-type=\"mention\" data-id=\"7\" data-label=\"Ann\">@Ann</span></p>\n");
  CHECK(embedded(R"({"mention":"Ann"})") ==
        "<p><span data-embed=\"{&quot;mention&quot;:&quot;Ann&quot;}\"></span></p>\n");
  CHECK(embedded(R"({"formula":"a<b"})") == "<p><span data-type=\"formula\" data-latex=\"a&lt;b\">a&lt;b</span></p>\n");
  CHECK(embedded("{}") == "<p><span data-embed=\"{}\"></span></p>\n");
  CHECK(embedded("\"x\"") == "<p><span data-embed=\"&quot;x&quot;\"></span></p>\n");
  CHECK(embedded("[1]") == "<p><span data-embed=\"[1]\"></span></p>\n");
}

TEST_CASE("nothing of a line of code is lost, and another language is another block") {
  quill_text quill;
  quill.text("a").embed(R"({"image":"/i.png"})").line("", "code-block", "\"js\"");
  quill.line("b", "code-block", "\"js\"")
      .line("c", "code-block", "\"py\"")
      .text("d\n")
      .line("e", "code-block", "\"py\"");
  const auto html = html_of(quill.document());
  CHECK(html.starts_with("<pre><code class=\"language-js\">a"));
  CHECK(html.find("/i.png") != std::string::npos);
  CHECK(
      html.ends_with("\nb</code></pre>\n<pre><code class=\"language-py\">c</code></pre>\n<p>d</p>\n"
                     "<pre><code class=\"language-py\">e</code></pre>\n"));
}

TEST_CASE("a line that two editors made two kinds of block stays in its place") {
  for (const auto* outer : {"list", "table", "blockquote"})
    for (const auto* inner : {"list", "table", "code-block"}) {
      if (std::string_view(outer) == inner) continue;
      CAPTURE(outer);
      CAPTURE(inner);
      const std::string value = std::string_view(inner) == "list" ? "\"bullet\"" : "true";
      const std::string around = std::string_view(outer) == "list" ? "\"bullet\"" : "true";
      quill_text quill;
      quill.line("first", outer, around).text("second").begin(outer, around).begin(inner, value).text("\n");
      quill.end(outer).end(inner).line("third", outer, around);
      const auto html = html_of(quill.document());
      CHECK(html.find("first") < html.find("second"));
      CHECK(html.find("second") < html.find("third"));
    }
}

TEST_CASE("Quill's lists nest by their indents, whatever these are") {
  const auto item = [](quill_text& quill, std::string_view text, std::string_view kind, std::string_view indent) {
    quill.text(text).begin("list", kind).begin("indent", indent).text("\n").end("indent").end("list");
  };
  quill_text skipping;
  item(skipping, "a", "\"ordered\"", "0");
  item(skipping, "b", "\"bullet\"", "3");
  item(skipping, "c", "\"bullet\"", "1");
  item(skipping, "d", "\"checked\"", "1");
  item(skipping, "e", "\"ordered\"", "0");
  CHECK(
      html_of(skipping.document()) ==
      "<ol><li><p>a</p><ul><li><p>b</p></li></ul><ul><li><p>c</p></li></ul><ul data-type=\"taskList\">"
      "<li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" disabled checked></label><div>"
      "<p>d</p></div></li></ul></li><li><p>e</p></li></ol>\n");
  quill_text quoted;
  quoted.line("a", "blockquote", "true").line("b", "blockquote", "true").text("c\n").line("d", "blockquote", "true");
  CHECK(html_of(quoted.document()) ==
        "<blockquote><p>a</p><p>b</p></blockquote>\n<p>c</p>\n<blockquote><p>d</p></blockquote>\n");
}

TEST_CASE("BlockNote's files are links and pictures, by whatever name they have") {
  const auto file = [](std::string_view type, std::string_view attributes) {
    return doc(R"({"type":"blockGroup","content":[{"type":"blockContainer","content":[{"type":")" + std::string(type) +
               R"(","attrs":)" + std::string(attributes) + "}]}]}");
  };
  struct {
    std::string_view type, attributes, html, markdown;
  } const cases[] = {
      {"file", R"({"url":"/f","caption":"C","name":"N"})", "<a data-type=\"file\" href=\"/f\">C</a>\n", "[C](/f)\n"},
      {"file", R"({"url":"/f","caption":"","name":"N"})", "<a data-type=\"file\" href=\"/f\">N</a>\n", "[N](/f)\n"},
      {"video", R"({"url":"/f","title":"T"})", "<a data-type=\"video\" href=\"/f\">T</a>\n", "[T](/f)\n"},
      {"audio", R"({"href":"/f"})", "<a data-type=\"audio\" href=\"/f\">/f</a>\n", "[/f](/f)\n"},
      {"file", R"({"url":"","caption":"","name":""})", "<a data-type=\"file\">file</a>\n", "file\n"},
      {"file", R"({"url":"javascript:x","name":"N"})", "<a data-type=\"file\">N</a>\n", "N\n"},
      {"audio", "{}", "<a data-type=\"audio\">audio</a>\n", "audio\n"},
      {"image", R"({"url":"/i","caption":"","name":"N"})", "<img src=\"/i\" alt=\"N\">\n", "![N](/i)\n"},
      {"image", R"({"url":"/i","caption":"C"})", "<img src=\"/i\" alt=\"C\" title=\"C\">\n", "![C](/i \"C\")\n"},
      {"image", R"({"url":"/i"})", "<img src=\"/i\" alt=\"\">\n", "![](/i)\n"},
  };
  for (const auto& each : cases) {
    const auto json = file(each.type, each.attributes);
    CAPTURE(json);
    CHECK(html_of_json(json) == each.html);
    CHECK(markdown_of_json(json) == each.markdown);
  }
}

TEST_CASE("BlockNote's lists begin anew where an item says so, and where its kind changes") {
  const auto group = [](const std::string& blocks) {
    return html_of_json(doc(R"({"type":"blockGroup","content":[)" + blocks + "]}"));
  };
  CHECK(group(block("numberedListItem", "a", {}, R"({"start":3})") + "," + block("numberedListItem", "b") + "," +
              block("numberedListItem", "c", {}, R"({"start":7})")) ==
        "<ol start=\"3\"><li><p>a</p></li><li><p>b</p></li></ol>\n<ol start=\"7\"><li><p>c</p></li></ol>\n");
  CHECK(group(block("bulletListItem", "a") + "," + block("toggleListItem", "b") + "," + block("numberedListItem", "c") +
              "," + block("checkListItem", "d")) ==
        "<ul><li><p>a</p></li><li><p>b</p></li></ul>\n<ol><li><p>c</p></li></ol>\n<ul data-type=\"taskList\"><li "
        "data-type=\"taskItem\" data-checked=\"false\"><label><input type=\"checkbox\" disabled></label><div><p>d</p>"
        "</div></li></ul>\n");
  // What is in between divides a list, be it empty.
  CHECK(group(block("bulletListItem", "a") + R"(,{"type":"blockContainer"},)" + block("bulletListItem", "b")) ==
        "<ul><li><p>a</p></li></ul>\n<ul><li><p>b</p></li></ul>\n");
  // An item without its container is an item all the same.
  CHECK(html_of_json(doc(R"({"type":"numberedListItem","content":[{"type":"text","text":"x"}]})")) ==
        "<ol><li><p>x</p></li></ol>\n");
  CHECK(group(block("bulletListItem", "a", block("heading", "h", {}, R"({"level":"2"})"))) ==
        "<ul><li><p>a</p><h2>h</h2></li></ul>\n");
  CHECK(group(R"({"type":"blockContainer","content":[{"type":"bulletListItem","content":[{"type":"text","text":"a"}]},
      {"type":"paragraph","content":[{"type":"text","text":"b"}]}]})") == "<ul><li><p>a</p><p>b</p></li></ul>\n");
}

TEST_CASE("values that are an editor's defaults are no style") {
  const auto paragraph = [](std::string_view attributes) {
    return html_of_json(doc(R"({"type":"paragraph","attrs":)" + std::string(attributes) + "}"));
  };
  CHECK(paragraph(R"({"textColor":"default","backgroundColor":"default","textAlignment":"left"})") == "<p></p>\n");
  CHECK(paragraph(R"({"textColor":"red","backgroundColor":"blue","textAlignment":"right"})") ==
        "<p style=\"text-align: right; color: red; background-color: blue\"></p>\n");
  CHECK(paragraph(R"({"textAlign":"left"})") == "<p></p>\n");
  CHECK(paragraph(R"({"level":"default","textAlign":"justify"})") == "<p style=\"text-align: justify\"></p>\n");
  CHECK(html_of_json(doc(R"({"type":"code_block","attrs":{"params":"js"},"content":[{"type":"text","text":"x"}]})")) ==
        "<pre><code class=\"language-js\">x</code></pre>\n");
  CHECK(html_of_json(doc(R"({"type":"paragraph","attrs":{"params":"js","order":2}})")) == "<p></p>\n");
  CHECK(html_of_json(paragraph_of("x", R"([{"type":"backgroundColor","attrs":{"stringValue":"red"}}])")) ==
        "<p><span style=\"background-color: red\">x</span></p>\n");
  CHECK(paragraph(R"({"indent":0})") == "<p></p>\n");
  CHECK(paragraph(R"({"indent":100,"dir":"rtl"})") == "<p style=\"margin-left: 300em\" dir=\"rtl\"></p>\n");
}

TEST_CASE("a mention shows the best name that it has") {
  struct {
    std::string_view attributes, html, markdown;
  } const cases[] = {
      {R"({"id":"7","label":"Ann"})",
       "<p><span data-type=\"mention\" data-id=\"7\" data-label=\"Ann\">@Ann</span></p>\n", "@Ann\n"},
      {R"({"id":7,"label":null})", "<p><span data-type=\"mention\" data-id=\"7\">@7</span></p>\n", "@7\n"},
      {R"({"id":"7","label":""})", "<p><span data-type=\"mention\" data-id=\"7\" data-label=\"\">@7</span></p>\n",
       "@7\n"},
      {R"({"user":"Bob"})", "<p><span data-type=\"mention\">@Bob</span></p>\n", "@Bob\n"},
      {R"({"name":"C*"})", "<p><span data-type=\"mention\">@C*</span></p>\n", "@C\\*\n"},
      {"{}", "<p><span data-type=\"mention\">@</span></p>\n", "@\n"},
      {R"({"id":{}})", "<p><span data-type=\"mention\">@</span></p>\n", "@\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.attributes);
    const auto json =
        doc(R"({"type":"paragraph","content":[{"type":"mention","attrs":)" + std::string(each.attributes) + "}]}");
    CHECK(html_of_json(json) == each.html);
    CHECK(markdown_of_json(json) == each.markdown);
  }
  // One with content of its own shows that.
  CHECK(markdown_of_json(doc(R"({"type":"paragraph","content":[{"type":"mention","attrs":{"id":"7"},"content":[
      {"type":"text","text":"she"}]}]})")) == "she\n");
  CHECK(html_of_json(doc(R"({"type":"paragraph","content":[{"type":"mention","attrs":{"id":"7"},"content":[
      {"type":"text","text":"she"}]}]})")) ==
        "<p><span data-type=\"mention\" data-attrs=\"{&quot;id&quot;:&quot;7&quot;}\">she</span></p>\n");
}

TEST_CASE("characters that HTML would read otherwise are escaped") {
  CHECK(html_of_json(paragraph_of("a\r\nb \"&<>'")) == "<p>a&#13;\nb &quot;&amp;&lt;&gt;'</p>\n");
  CHECK(html_of_json(paragraph_of(std::string_view("a\0b", 3))) ==
        "<p>a\xEF\xBF\xBD"
        "b</p>\n");
  CHECK(html_of_json(doc(R"({"type":"image","attrs":{"src":"/a","alt":"\r\n\"<\u0000"}})")) ==
        "<img src=\"/a\" alt=\"&#13;\n&quot;&lt;\xEF\xBF\xBD\">\n");
}

TEST_CASE("values that are out of bounds are left out of HTML") {
  const auto cell = [](std::string_view attributes) {
    return html_of_json(doc(R"({"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","attrs":)" +
                            std::string(attributes) + "}]}]}"));
  };
  for (const auto* attributes : {"{}", R"({"colspan":0})", R"({"colspan":1001})", R"({"rowspan":-2})",
                                 R"({"rowspan":"x"})", R"({"colwidth":null})", R"({"colwidth":["a"]})"})
    CHECK(cell(attributes) == "<table><tbody><tr><td></td></tr></tbody></table>\n");
  CHECK(cell(R"({"colspan":1000,"rowspan":"2","colwidth":[7]})") ==
        "<table><tbody><tr><td colspan=\"1000\" rowspan=\"2\" colwidth=\"7\"></td></tr></tbody></table>\n");
  const auto image = [](std::string_view attributes) {
    return html_of_json(doc(R"({"type":"image","attrs":)" + std::string(attributes) + "}"));
  };
  CHECK(image(R"({"width":0,"height":-1,"alt":null,"title":{}})") == "<img>\n");
  CHECK(image(R"({"width":1.5,"height":"20"})") == "<img width=\"1\" height=\"20\">\n");
  CHECK(html_of_json(doc(R"({"type":"heading","attrs":{"level":0}})")) == "<h1></h1>\n");
  CHECK(html_of_json(doc(R"({"type":"heading","attrs":{"level":1e300}})")) == "<h1></h1>\n");
  CHECK(html_of_json(doc(R"({"type":"heading"})")) == "<h1></h1>\n");
  CHECK(html_of_json(doc(R"({"type":"codeBlock","attrs":{"language":""}})")) == "<pre><code></code></pre>\n");
  CHECK(html_of_json(doc(R"({"type":"orderedList","attrs":{"start":"x"}})")) == "<ol></ol>\n");
  CHECK(html_of_json(doc(R"({"type":"heading","attrs":{"level":"2nd"}})")) == "<h1></h1>\n");
  CHECK(html_of_json(doc(R"({"type":"heading","attrs":{"level":"2"}})")) == "<h2></h2>\n");
  CHECK(image(R"({"alt":[1],"title":true})") == "<img title=\"true\">\n");
}

TEST_CASE("styles keep what is harmless, and nothing that is long or open") {
  const auto style = [](const std::string& value) {
    return html_of_json(
        paragraph_of("x", R"([{"type":"textStyle","attrs":{"fontFamily":)" + crdt::json_string(value) + "}}]"));
  };
  for (const auto* value : {"'Times New Roman', serif", "Helvetica-Neue", "10.5px", "100%"})
    CHECK(style(value) == "<p><span style=\"font-family: " + std::string(value) + "\">x</span></p>\n");
  CHECK(style("\"Arial\"") == "<p><span style=\"font-family: &quot;Arial&quot;\">x</span></p>\n");
  for (const auto& value : {std::string(201, 'a'), std::string("'a"), std::string("\"a"), std::string("a\nb"),
                            std::string("a@b"), std::string("URL(x)"), std::string("(x)")})
    CHECK(style(value) == "<p><span>x</span></p>\n");
  CHECK(html_of_json(paragraph_of("x", R"j([{"type":"highlight","attrs":{"color":"url(x)"}}])j")) ==
        "<p><mark>x</mark></p>\n");
}

TEST_CASE("addresses lose what browsers skip") {
  const auto image = [](const char* address) {
    return html_of_json(doc(R"({"type":"image","attrs":{"src":)" + crdt::json_string(address) + "}}"));
  };
  CHECK(image(" \x01 ht\ttps\n://a.example/\x7F ") == "<img src=\"https://a.example/\">\n");
  CHECK(image("data:IMAGE/PNG,x") == "<img src=\"data:IMAGE/PNG,x\">\n");
  CHECK(image("data:image/svg+xml") == "<img src=\"data:image/svg+xml\">\n");
  CHECK(image("mailto:a@b.example") == "<img>\n");
  CHECK(image(" ") == "<img>\n");
}

TEST_CASE("what Markdown has no notation for is kept as HTML, or left out") {
  CHECK(markdown_of_json(doc(R"({"type":"chart","attrs":{"of":"a\n<b>"}})")) ==
        "<div data-type=\"chart\" data-attrs=\"{&quot;of&quot;:&quot;a\\n&lt;b&gt;&quot;}\"></div>\n");
  CHECK(markdown_of_json(doc(R"({"type":"x\ny","attrs":{"of":1}})")) ==
        "<div data-type=\"x y\" data-attrs=\"{&quot;of&quot;:1}\"></div>\n");
  CHECK(markdown_of_json(doc(R"({"type":"chart"})")).empty());
  CHECK(markdown_of_json(doc(R"({"type":"chart","attrs":{"of":1},"content":[{"type":"paragraph","content":[
      {"type":"text","text":"in"}]}]})")) == "in\n");
  CHECK(markdown_of_json(doc(R"({"type":"details","content":[{"type":"detailsSummary","content":[
      {"type":"text","text":"s"}]},{"type":"detailsContent","content":[{"type":"paragraph","content":[
      {"type":"text","text":"c"}]}]}]})")) == "s\n\nc\n");
  CHECK(markdown_of_json(doc(R"({"type":"table"})")).empty());
  CHECK(markdown_of_json(doc(R"({"type":"table","content":[{"type":"tableRow"}]})")).empty());
  CHECK(markdown_of_json(doc(R"({"type":"paragraph","content":[{"type":"formula","attrs":{"latex":"a_b"}},
      {"type":"formula"}]})")) == "<span data-type=\"formula\">a\\_b</span><span data-type=\"formula\"></span>\n");
  CHECK(markdown_of_json(doc(R"({"type":"heading","attrs":{"level":9}})")) == "######\n");
  CHECK(markdown_of_json(doc(R"({"type":"listItem","content":[{"type":"paragraph","content":[
      {"type":"text","text":"x"}]}]})")) == "- x\n");
  CHECK(markdown_of_json(doc(R"({"type":"chart","attrs":{"of":1,"by":[2]}})")) ==
        "<div data-type=\"chart\" data-attrs=\"{&quot;by&quot;:[2],&quot;of&quot;:1}\"></div>\n");
  CHECK(html_of_json(doc(R"({"type":"chart","attrs":{"of":1,"by":[2]}})")) ==
        "<div data-type=\"chart\" data-attrs=\"{&quot;by&quot;:[2],&quot;of&quot;:1}\"></div>\n");
  CHECK(markdown_of_json(doc(R"({"type":"paragraph","content":[{"type":"chip","attrs":{"of":1}}]})")).empty());
  // What stands in lines is one, if it stands among blocks.
  CHECK(markdown_of_json(doc(R"({"type":"mention","attrs":{"id":"a"}},{"type":"mention","attrs":{"id":"b"}},
      {"type":"paragraph","content":[{"type":"text","text":"c"}]})")) == "@a@b\n\nc\n");
}

TEST_CASE("code in Markdown is what it was, in whatever lines it has") {
  const auto code = [](std::string_view text, std::string_view language = {}) {
    return markdown_of_json(doc(R"({"type":"codeBlock","attrs":{"language":)" + crdt::json_string(language) +
                                R"(},"content":[{"type":"text","text":)" + crdt::json_string(text) + "}]}"));
  };
  CHECK(code("a\r\nb\rc\r") == "```\na\nb\nc\n\n```\n");
  CHECK(code("x", "c++ numbers") == "```c++\nx\n```\n");
  CHECK(code("x", "a`b") == "```a\nx\n```\n");
  CHECK(code("x", "<a_b&>") == "```\\<a\\_b\\&\\>\nx\n```\n");
  CHECK(markdown_of_json(doc(R"({"type":"codeBlock"})")) == "```\n```\n");
  CHECK(markdown_of_json(doc(R"({"type":"codeBlock","content":[{"type":"text","text":"a"},{"type":"hardBreak"},
      {"type":"text","text":"b"}]})")) == "```\na\nb\n```\n");
  const auto span = [](std::string_view text) { return markdown_of_json(paragraph_of(text, R"([{"type":"code"}])")); };
  CHECK(span("a`") == "`` a` ``\n");
  CHECK(span(" a ") == "`  a  `\n");
  CHECK(span(" a") == "` a`\n");
  CHECK(span("  ") == "`  `\n");
  // Two spans would read as one with two backticks in it.
  CHECK(markdown_of_json(doc(R"({"type":"paragraph","content":[{"type":"text","text":"a","marks":[{"type":"code"}]},
      {"type":"text","text":"b","marks":[{"type":"code"},{"type":"comment"}]}]})")) == "`ab`\n");
}

TEST_CASE("Markdown shows each mark once, and controls as references") {
  CHECK(markdown_of_json(paragraph_of("x", R"([{"type":"bold","attrs":{"a":1}},{"type":"bold","attrs":{"a":2}}])")) ==
        "**x**\n");
  CHECK(markdown_of_json(paragraph_of("a\tb\x7F\x01")) == "a&#9;b&#127;&#1;\n");
  CHECK(markdown_of_json(paragraph_of("x", R"([{"type":"link","attrs":{"href":"/a","title":"\"t\"\n\u0000"}}])")) ==
        "[x](/a \"\\\"t\\\"&#10;\xEF\xBF\xBD\")\n");
  CHECK(markdown_of_json(doc(R"({"type":"image","attrs":{"alt":"[a]\u0001"}})")) == "![\\[a\\]&#1;](<>)\n");
  // What is beside a delimiter and no character that all agree on makes a tag of it.
  CHECK(markdown_of_json(doc(R"({"type":"paragraph","content":[{"type":"text","text":"a"},
      {"type":"text","text":"\u3000b","marks":[{"type":"bold"}]}]})")) ==
        "a<strong>\xE3\x80\x80"
        "b</strong>\n");
  CHECK(markdown_of_json(doc(R"({"type":"paragraph","content":[{"type":"text","text":"a\u3000"},
      {"type":"text","text":"b","marks":[{"type":"bold"}]}]})")) == "a\xE3\x80\x80**b**\n");
}

TEST_CASE("blocks in the cells of a Markdown table become lines") {
  CHECK(
      markdown_of_json(doc(R"({"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","content":[
      {"type":"heading","content":[{"type":"text","text":"h"}]},{"type":"codeBlock","content":[
      {"type":"text","text":"c"}]},{"type":"horizontalRule"},{"type":"bulletList","content":[{"type":"listItem","content":[
      {"type":"paragraph","content":[{"type":"text","text":"i"}]}]}]}]},{"type":"tableCell"}]},{"type":"tableCell"}]})")) ==
      "| h<br>c<br>i |  |\n| --- | --- |\n");
}

TEST_CASE("a list in Markdown has empty lines only where it needs them") {
  const auto list = [](std::string_view kind, std::string_view items, std::string_view attributes = "{}") {
    return R"({"type":")" + std::string(kind) + R"(","attrs":)" + std::string(attributes) + R"(,"content":[)" +
           std::string(items) + "]}";
  };
  const auto item = [](const std::string& blocks) { return R"({"type":"listItem","content":[)" + blocks + "]}"; };
  const std::string a = R"({"type":"paragraph","content":[{"type":"text","text":"a"}]})";
  const std::string empty = R"({"type":"paragraph"})";
  CHECK(markdown_of_json(doc(list("bulletList", item(a + "," + list("orderedList", item(a)))))) == "- a\n  1. a\n");
  // A list that begins with another number cannot follow a line of text.
  CHECK(markdown_of_json(doc(list("bulletList", item(a + "," + list("orderedList", item(a), R"({"start":2})"))))) ==
        "- a\n\n  2. a\n");
  // Lists without items are nothing, and divide nothing.
  CHECK(markdown_of_json(doc(list("bulletList", item(a + "," + list("bulletList", ""))))) == "- a\n");
  CHECK(markdown_of_json(doc(list("bulletList", item(a)) + "," + list("bulletList", "") + "," +
                             list("bulletList", item(a)))) == "- a\n\n* a\n");
  CHECK(markdown_of_json(doc(list("bulletList", item(a + "," + a)))) == "- a\n\n  a\n");
  CHECK(markdown_of_json(doc(list("bulletList", item(list("bulletList", item(a)))))) == "- <span></span>\n\n  - a\n");
  CHECK(markdown_of_json(doc(list("bulletList", item(empty) + "," + item(a)))) == "-\n- a\n");
  CHECK(markdown_of_json(doc(list("orderedList", item(a) + "," + item(a), R"({"start":999999999})"))) ==
        "999999999. a\n999999999. a\n");
}

// Writes items that an element has under keys: their info byte, the element, a key, and the content.
class attribute_writer {
 public:
  attribute_writer() {
    bytes data;
    crdt::lib0_writer writer(data);
    writer.u8(7);
    writer.u8(1);
    writer.var_string("doc");
    writer.u8(3);
    writer.var_string("p");
    builder_.block(5, 0).raw(data);
  }

  template <class Function>
  attribute_writer& item(crdt::content_kind kind, std::string_view key, Function content) {
    bytes data;
    crdt::lib0_writer writer(data);
    writer.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | 0x20));
    writer.u8(0);
    writer.var_uint(5);
    writer.var_uint(0);
    writer.var_string(key);
    content(writer);
    builder_.raw(data);
    return *this;
  }

  crdt::document document() const {
    crdt::document out;
    feed(out, builder_.build());
    check_sound(out);
    return out;
  }

 private:
  update_builder builder_;
};

TEST_CASE("an attribute of an element may be a value of any kind") {
  using crdt::content_kind;
  using writer = crdt::lib0_writer;
  attribute_writer written;
  written.item(content_kind::json, "json", [](writer& to) {
    to.var_uint(2);
    to.var_string("1");
    to.var_string(R"({"a":[2]})");
  });
  written.item(content_kind::json, "gone", [](writer& to) {
    to.var_uint(1);
    to.var_string("undefined");
  });
  written.item(content_kind::any, "any", [](writer& to) {
    to.var_uint(2);
    to.u8(126);
    to.u8(119);
    to.var_string("last");
  });
  written.item(content_kind::any, "nothing", [](writer& to) {
    to.var_uint(1);
    to.u8(127);
  });
  // A bigint, for which JavaScript has no JSON.
  written.item(content_kind::any, "big", [](writer& to) {
    to.var_uint(1);
    to.u8(122);
    for (int i = 0; i < 7; ++i) to.u8(0);
    to.u8(9);
  });
  written.item(content_kind::string, "string", [](writer& to) { to.var_string("abc"); });
  written.item(content_kind::string, "half", [](writer& to) { to.var_string("a\xF0\x9F\x98\x80"); });
  written.item(content_kind::embed, "embed", [](writer& to) { to.var_string(R"({"e":1})"); });
  written.item(content_kind::binary, "binary", [](writer& to) { to.var_string("abc"); });
  written.item(content_kind::type, "map", [](writer& to) { to.u8(1); });
  written.item(content_kind::doc, "doc", [](writer& to) {
    to.var_string("guid");
    to.u8(118);
    to.var_uint(0);
  });
  written.item(content_kind::format, "format", [](writer& to) {
    to.var_string("bold");
    to.var_string("true");
  });
  written.item(content_kind::deleted, "deleted", [](writer& to) { to.var_uint(1); });
  written.item(content_kind::string, "__proto__", [](writer& to) { to.var_string("x"); });
  // Of values that share an item the last counts, and of a text its last character.
  CHECK(
      *crdt::prosemirror_json(written.document(), "doc") ==
      R"({"type":"doc","content":[{"type":"p","attrs":{"any":"last","big":9,"binary":"YWJj","doc":{},"embed":{"e":1},)"
      "\"half\":\"\xEF\xBF\xBD\","
      R"("json":{"a":[2]},"map":{},"string":"c"}}]})");
  // What is undefined is not there at all.
  attribute_writer undefined;
  undefined.item(content_kind::any, "nothing", [](writer& to) {
    to.var_uint(1);
    to.u8(127);
  });
  CHECK(*crdt::prosemirror_json(undefined.document(), "doc") ==
        R"({"type":"doc","content":[{"type":"p","attrs":{}}]})");
  CHECK(html_of(undefined.document()) == "<div data-type=\"p\"></div>\n");
  crdt::document again;
  feed(again, *crdt::encode_rich_tree(*crdt::read_rich_tree(undefined.document(), "doc"), as_client(6)));
  CHECK(*crdt::prosemirror_json(again, "doc") == R"({"type":"doc","content":[{"type":"p"}]})");
}

TEST_CASE("what a text holds that is no text is shown or passed over as yjs does it") {
  // A map in a text is embedded.
  crdt::document embedded;
  feed(embedded, update_builder().block(5, 0).text("ab", {}, {}, "doc").type_after(1, {5, 1}).build());
  CHECK(html_of(embedded) == "<p>ab<span data-embed=\"{}\"></span></p>\n");
  // A value is nothing that a text has.
  bytes value;
  crdt::lib0_writer writer(value);
  writer.u8(0x88);
  writer.var_uint(5);
  writer.var_uint(1);
  writer.var_uint(1);
  writer.u8(126);
  crdt::document with_value;
  feed(with_value, update_builder().block(5, 0).text("ab", {}, {}, "doc").raw(value).build());
  CHECK(html_of(with_value) == "<p>ab</p>\n");
  crdt::export_options options;
  options.as = crdt::type_kind::map;
  CHECK(crdt::html(with_value, "doc", options).error() == crdt::export_errc::not_rich_text);
  options.as = crdt::type_kind::text;
  CHECK(*crdt::html(with_value, "doc", options) == "<p>ab</p>\n");
  // Text right in a fragment, where XML has none.
  options.as = crdt::type_kind::xml_fragment;
  CHECK(crdt::html(with_value, "doc", options).error() == crdt::export_errc::unsupported_content);
  for (auto* const exported : {crdt::html, crdt::markdown, crdt::prosemirror_json})
    CHECK(exported(with_value, "doc", options).error() == crdt::export_errc::unsupported_content);
}

TEST_CASE("marks come in the order of JavaScript's objects, and without their hashes") {
  quill_text quill;
  for (const auto* key : {"b", "10", "2", "01", "4294967295", "4294967294", "99999999999", "9999999999", "1x",
                          "__proto__", "comment--aB3+/=zZ", "comment--aB3!/=zZ", "comment--aB3{/=zZ",
                          "comment--aB3^/=zZ", "comment--aB3:/=zZ", "", "--aB3+/=zZ", "line\nend--aB3+/=zZ"})
    quill.begin(key, "true");
  quill.end("absent").begin("b", "1").text("x\n");
  const auto tree = crdt::read_rich_tree(quill.document(), "doc");
  REQUIRE(tree);
  const auto run = tree->at(tree->at(crdt::rich_tree::root).first_child).first_child;
  std::string names;
  for (const auto number : tree->at(run).marks) names += tree->mark(number).name + "|";
  CHECK(names ==
        "2|10|4294967294|b|01|4294967295|99999999999|9999999999|1x|comment|comment--aB3!/=zZ|comment--aB3{/"
        "=zZ|comment--aB3^/=zZ|comment--aB3:/=zZ|||end|");
  CHECK(tree->mark(tree->at(run).marks[3]).json == "1");
}

TEST_CASE("the limit of an export holds for what is written, not only for what is read") {
  const auto size_of = [](const crdt::document& document, auto* exported) {
    crdt::export_options options;
    const auto whole = exported(document, "doc", options);
    REQUIRE(whole);
    for (const auto bytes : {whole->size() - 1, whole->size() / 2, whole->size() / 4}) {
      options.max_bytes = bytes;
      const auto limited = exported(document, "doc", options);
      REQUIRE_FALSE(limited);
      CHECK(limited.error() == crdt::export_errc::too_large);
    }
    return whole->size();
  };
  std::string tasks;
  std::string runs;
  for (int i = 0; i < 100; ++i) {
    tasks += std::string(i == 0 ? "" : ",") + R"({"type":"taskItem"})";
    runs += std::string(i == 0 ? "" : ",") + R"({"type":"text","text":"x","marks":[{"type":"m","attrs":{"v":")" +
            std::string(1000, 'v') + R"("}},{"type":")" + (i % 2 == 0 ? "even" : "odd") + "\"}]}";
  }
  CHECK(size_of(document_of(doc(R"({"type":"taskList","content":[)" + tasks + "]}")), crdt::html) > 10'000);
  const auto marked = document_of(doc(R"({"type":"paragraph","content":[)" + runs + "]}"));
  CHECK(size_of(marked, crdt::prosemirror_json) > 100'000);
  CHECK(size_of(document_of(doc({})), crdt::prosemirror_json) == 27);
  std::string glows;
  for (int i = 0; i < 100; ++i)
    glows += std::string(i == 0 ? "" : ",") + R"({"type":"glow)" + std::to_string(i) + R"(","attrs":{"v":)" +
             crdt::json_string(std::string(1000, '"')) + "}}";
  CHECK(size_of(document_of(paragraph_of("x", "[" + glows + "]")), crdt::html) > 700'000);
  const auto row = R"({"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"text","text":")" +
                   std::string(1000, '\x7F') + "\"}]}]}";
  CHECK(size_of(document_of(doc(R"({"type":"table","content":[)" + row + "," + row + "]}")), crdt::markdown) > 12'000);
  // In Markdown each line says in what it is.
  std::string quotes;
  for (int i = 0; i < 100; ++i)
    quotes = R"({"type":"blockquote","content":[{"type":"horizontalRule"})" + (quotes.empty() ? quotes : "," + quotes) +
             "]}";
  CHECK(size_of(document_of(doc(quotes)), crdt::markdown) > 10'000);
}

TEST_CASE("whatever the limit of an export is, it is kept") {
  quill_text quill;
  quill.text("a*").begin("bold", "true").begin("note", "{\"n\":1}").text("b").end("bold").embed(R"({"x":1})");
  quill.line("c", "header", "1");
  const auto text = quill.document();
  const auto tree = document_of(doc(R"({"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"a"},
      {"type":"text","text":"b","marks":[{"type":"bold"}]},{"type":"text","text":{"x":1}}]},{"type":"paragraph"})"));
  for (const auto* document : {&text, &tree})
    for (auto* const exported : {crdt::html, crdt::markdown, crdt::prosemirror_json}) {
      crdt::export_options options;
      const auto whole = exported(*document, "doc", options);
      REQUIRE(whole);
      bool fits = false;
      for (options.max_bytes = 0; options.max_bytes < 1000; ++options.max_bytes) {
        const auto limited = exported(*document, "doc", options);
        // What fits in less fits in more.
        CHECK(limited.has_value() >= fits);
        fits = limited.has_value();
        CHECK((fits ? *limited == *whole && whole->size() <= options.max_bytes
                    : limited.error() == crdt::export_errc::too_large));
      }
      CHECK(fits);
    }
}

TEST_CASE("a root that has lost its content is empty, and an array is no text") {
  crdt::document emptied;
  feed(emptied, update_builder().block(5, 0).text("ab", {}, {}, "doc").erase(5, 0, 2).build());
  CHECK(html_of(emptied).empty());
  CHECK(*crdt::prosemirror_json(emptied, "doc") == R"({"type":"doc","content":[]})");
  crdt::document array;
  feed(array, update_builder().block(5, 0).type(1, {}, "doc").build());
  CHECK(crdt::html(array, "doc").error() == crdt::export_errc::not_rich_text);
  crdt::export_options options;
  options.as = crdt::type_kind::array;
  CHECK(crdt::html(array, "doc", options).error() == crdt::export_errc::not_rich_text);
  // A format among elements is none of them.
  crdt::document formatted;
  bytes format;
  crdt::lib0_writer writer(format);
  writer.u8(6);
  writer.u8(1);
  writer.var_string("doc");
  writer.var_string("bold");
  writer.var_string("true");
  feed(formatted, update_builder().block(5, 0).raw(format).build());
  options.as = crdt::type_kind::xml_fragment;
  CHECK(crdt::html(formatted, "doc", options)->empty());
}

TEST_CASE("a value's text and members are found in its JSON") {
  CHECK(crdt::json_to_text(R"("a\n")") == "a\n");
  CHECK(crdt::json_to_text("1.50") == "1.50");
  CHECK(crdt::json_to_text("true") == "true");
  for (const auto* json : {"", "null", "{}", "[1]"}) CHECK_FALSE(crdt::json_to_text(json));
  CHECK(crdt::json_to_integer("\"-7\"") == -7);
  CHECK(crdt::json_to_integer("2.9") == 2);
  for (const auto* json : {"", "\"\"", "\"7 \"", "1e15", "true", "[1]"}) CHECK_FALSE(crdt::json_to_integer(json));
  CHECK(crdt::json_member(R"({"a":1,"b":{"a":2}})", "b") == R"({"a":2})");
  for (const auto* json : {"", "[1]", "\"a\"", "{}"}) CHECK(crdt::json_member(json, "a").empty());
}

TEST_CASE("every reason why there is no export has a text of its own") {
  using crdt::export_errc;
  std::set<std::string_view> texts;
  for (const auto code : {export_errc::not_rich_text, export_errc::unsupported_content, export_errc::too_large})
    texts.insert(to_string(code));
  texts.insert(to_string(static_cast<export_errc>(3)));
  CHECK(texts.size() == 4);
  CHECK(texts.contains("unknown error"));
}

}  // namespace
