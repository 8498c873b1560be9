#include "crdt/import/markdown_offsets.hpp"
#include "tests/crdt/import/support.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

crdt::document from_markdown(std::string_view text) {
  return imported(import::markdown, text, import_options());
}

TEST_CASE("Markdown becomes what it means") {
  CHECK(html_of(from_markdown("# T *i*\n\na **b** ~~c~~ `d` [e](/f \"g\") <u>h</u> &copy; &#33;\nsoft\\\nhard\n")) ==
        "<h1>T <em>i</em></h1>\n<p>a <strong>b</strong> <s>c</s> <code>d</code> <a href=\"/f\" title=\"g\">e</a> "
        "<u>h</u> "
        "\xC2\xA9 ! soft<br>hard</p>\n");
  CHECK(html_of(from_markdown("- [x] a\n- [ ] b\n\n3. c\n   - d\n\n> e\n\n---\n\n```js\nf\n\n```\n\n    g\n")) ==
        "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
        "disabled "
        "checked></label><div><p>a</p></div></li><li data-type=\"taskItem\" data-checked=\"false\"><label><input "
        "type=\"checkbox\" disabled></label><div><p>b</p></div></li></ul>\n"
        "<ol start=\"3\"><li><p>c</p><ul><li><p>d</p></li></ul></li></ol>\n<blockquote><p>e</p></blockquote>\n<hr>\n"
        "<pre><code class=\"language-js\">f\n</code></pre>\n<pre><code>g</code></pre>\n");
  CHECK(html_of(from_markdown("| a | b |\n|---|---|\n| c\\|d | `e` |\n")) ==
        "<table><tbody><tr><th><p>a</p></th><th><p>b</p></th></tr><tr><td><p>c|d</p></td><td><p><code>e</code></p></"
        "td></tr>"
        "</tbody></table>\n");
  CHECK(html_of(from_markdown("a ![b *c* ![d](e)](/f \"g\")\n")) ==
        "<p>a </p>\n<img src=\"/f\" alt=\"b c d\" title=\"g\">\n");
  CHECK(html_of(from_markdown("<div>a <b>b</b></div>\n\n<script>x</script>\n\nc <b>d\n\ne</b> <i>f\n")) ==
        "<p>a <strong>b</strong></p>\n<p>c <strong>d</strong></p>\n<p>e <em>f</em></p>\n");
  CHECK(html_of(from_markdown("[a](javascript:x) ![b](javascript:y)\n")) == "<p>a b</p>\n");
  CHECK(html_of(from_markdown("")) == "<p></p>\n");
}

TEST_CASE("an item of a task list that is none begins a list, or is not done") {
  CHECK(markdown_of(from_markdown("- a\n- [x] b\n- c\n")) == "- a\n\n* [x] b\n* [ ] c\n");
}

TEST_CASE("Markdown that was written by an export is read back as it was") {
  for (const auto* text : {"# a\n",
                           "####### b\n",
                           "a\\\nb\n",
                           "\\# a\n",
                           "12\\. a\n",
                           "&#32;a b&#32;\n",
                           "a&#10;b\n",
                           "**a**b\n",
                           "a<em>b</em>c\n",
                           "a<strong> b </strong>c\n",
                           "<u>a</u>\n",
                           "<sub>a</sub><sup>b</sup><mark>c</mark>\n",
                           "``a`b``\n",
                           "- a\n  1. b\n  2. c\n\n* d\n",
                           "- a\n\n  2. b\n",
                           "> > - a\n> >\n> > ___\n",
                           "-\n",
                           "1. a\n\n   b\n",
                           "- [x] a\n- [ ] b\n",
                           "```js\na\n\n\n```\n",
                           "- ````\n  ```\n  ````\n",
                           "[a \\[b\\]](</c d> \"e \\\"f\\\"\")\n",
                           "![a](/b \"c\")\n",
                           "<br><span></span>\n",
                           "| a | b |\n| --- | --- |\n| c\\|d | e<br>f |\n",
                           "\\![a](/b)\n",
                           "a\\<b\\>\\&amp;\n"}) {
    INFO(text);
    // What is not Markdown's own notation of it shows once more the same.
    const auto once = markdown_of(from_markdown(text));
    if (std::string_view(text) != "####### b\n") CHECK(once == text);
    CHECK(markdown_of(from_markdown(once)) == once);
  }
}

TEST_CASE("every limit of an import of Markdown is checked") {
  const auto repeated = [](std::string_view what, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += what;
    return out;
  };
  CHECK(import::markdown(repeated("> ", 5000), import_options()).error().code == crdt::import_errc::too_deep);
  CHECK(import::markdown(repeated("1. ", 5000), import_options()).error().code == crdt::import_errc::too_deep);
  CHECK(import::markdown("a " + repeated("<b>", 5000) + "x", import_options()).error().code ==
        crdt::import_errc::too_deep);
  CHECK(import::markdown(repeated("**a *b ", 5000) + repeated("*b a**", 5000), import_options()).error().code ==
        crdt::import_errc::too_deep);
  auto options = import_options();
  options.max_nodes = 100;
  CHECK(import::markdown(repeated("a\n\n", 200), options).error().code == crdt::import_errc::too_many_nodes);
  options.max_bytes = 10;
  CHECK(import::markdown("more than ten", options).error().code == crdt::import_errc::too_large);
  CHECK(import::markdown("\xC3", import_options()).error().code == crdt::import_errc::bad_utf8);
}

TEST_CASE("references to characters are the characters") {
  struct {
    std::string_view given, text;
  } const cases[] = {
      {"&#65;", "A"},
      {"&#x41;", "A"},
      {"&#X41;", "A"},
      {"&#233;", "\xC3\xA9"},
      {"&#8364;", "\xE2\x82\xAC"},
      {"&euro;", "\xE2\x82\xAC"},
      {"&#x1f600;", "\xF0\x9F\x98\x80"},
      {"&#128512;", "\xF0\x9F\x98\x80"},
      {"&#x10FFFF;", "\xF4\x8F\xBF\xBF"},
      // What is no character is U+FFFD, and what has no such name is text.
      {"&#0;", "\xEF\xBF\xBD"},
      {"&#xD800;", "\xEF\xBF\xBD"},
      {"&#xdfff;", "\xEF\xBF\xBD"},
      {"&#x110000;", "\xEF\xBF\xBD"},
      {"&nosuch;", "&amp;nosuch;"},
      {"&amp;", "&amp;"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.given);
    CHECK(html_of(from_markdown("a" + std::string(each.given) + "\n")) == "<p>a" + std::string(each.text) + "</p>\n");
    // In the address and title of a link, too.
    CHECK(html_of(from_markdown("[a](/x \"" + std::string(each.given) + "\")\n")) ==
          "<p><a href=\"/x\" title=\"" + std::string(each.text) + "\">a</a></p>\n");
  }
  CHECK(html_of(from_markdown("[a](/?x&amp;y=&#233;)\n")) == "<p><a href=\"/?x&amp;y=\xC3\xA9\">a</a></p>\n");
  CHECK(html_of(from_markdown("```&#99;++\na\n```\n")) == "<pre><code class=\"language-c++\">a</code></pre>\n");
  CHECK(html_of(from_markdown(std::string_view("a\0[b](/c \"d\0\")\n", 15))) ==
        "<p>a\xEF\xBF\xBD<a href=\"/c\" title=\"d\xEF\xBF\xBD\">b</a></p>\n");
}

TEST_CASE("line breaks in the text of an image are spaces, and tags are nothing") {
  CHECK(html_of(from_markdown("![a\\\nb\nc <b>d</b> &amp;](/i)\n")) == "<img src=\"/i\" alt=\"a b c d &amp;\">\n");
  CHECK(html_of(from_markdown("![a\\\nb](javascript:x)\n")) == "<p>a b</p>\n");
}

TEST_CASE("tags in a line are known by their names") {
  struct {
    std::string_view given, shown;
  } const cases[] = {
      {"a<U>b</U>c", "<p>a<u>b</u>c</p>\n"},
      {"a<sup class=\"x\">2</sup>", "<p>a<sup>2</sup></p>\n"},
      {"a<br/>b<BR>c", "<p>a<br>b<br>c</p>\n"},
      {"a<h1>b</h1>", "<p>ab</p>\n"},
      {"a</u>b", "<p>ab</p>\n"},
      {"a<u>b<s>c</u>d</s>e", "<p>a<u>b<s>c</s></u><s>d</s>e</p>\n"},
      {"a<Zed>b", "<p>ab</p>\n"},
      {"a<!-- b -->c<?d?>", "<p>ac</p>\n"},
      {"a<u>b", "<p>a<u>b</u></p>\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.given);
    CHECK(html_of(from_markdown(each.given)) == each.shown);
  }
}

TEST_CASE("what the editor does not know becomes what is nearest, from Markdown, too") {
  auto options = import_options();
  options.without = {"codeBlock", "hardBreak", "taskList", "link"};
  CHECK(content_of(imported(import::markdown, "```js\na\n```\n\n[b\\\nc](/d)\n", options)) ==
        p("a\n") + "," + p("b c"));
  CHECK(markdown_of(imported(import::markdown, "- [x] a\n", options)) == "- a\n");
  CHECK(content_of(imported(import::markdown, "```\n```\n", options)) == R"({"type":"paragraph"})");
  CHECK(html_of(from_markdown("```\n```\n")) == "<pre><code></code></pre>\n");
}

TEST_CASE("what an export of Markdown had to write as HTML or as references is read back") {
  for (const auto* text : {"`` a` ``\n", "`  a  `\n", "`  `\n", "a&#9;b&#127;&#1;\n", "[x](/a \"\\\"t\\\"\")\n",
                           "```c++\na\n```\n", "```\\<a\\_b\\&\\>\nx\n```\n", "| a | b |\n| --- | --- |\n| c |  |\n",
                           "- a\n  1. a\n", "- <span></span>\n\n  - a\n", "-\n- a\n", "999999999. a\n999999999. a\n",
                           "- a\n\n* a\n", "a&#9;_b_\n", "a\xE3\x80\x80**b**\n",
                           "a<strong>\xE3\x80\x80"
                           "b</strong>\n"}) {
    CAPTURE(text);
    CHECK(markdown_of(from_markdown(text)) == text);
  }
}

TEST_CASE("the limit of nodes holds for whatever Markdown makes of it") {
  for (const auto* piece : {"a\\\n", "---\n\n", "![a](/i)\n\n", "- a\n", "# a\n", "<br>\n\n", "*a* b ", "> a\n\n",
                            "<p>a\n\n", "|a|\n|-|\n\n"}) {
    auto options = import_options();
    options.max_nodes = 20;
    std::string text;
    for (int i = 0; i < 40; ++i) text += piece;
    CAPTURE(piece);
    CHECK(import::markdown(text, options).error().code == crdt::import_errc::too_many_nodes);
    CHECK(import::markdown(text, import_options()));
  }
}

TEST_CASE("what an item of a list holds does not depend on where in the text it stands") {
  for (const std::string text : {
           "- a\n\n  # b\n\n  c\n",
           "- a\n\n  # b #\r\n\r\n  c\n",
           "- # b\n\n  c\n",
           "- a\n\n  b\n  ===\n\n  c\n",
           "10) a\n\n    ___\n\n    c\n",
           "- + * a\n\n      - - -\n\n      c\n",
           "- a\n\n  ```\n  b\n  ```\n\n  c\n",
           "- a\n\n  ~~~\n  b\n\n  ~~~\n\n  c\n",
           "- ```\n  ```\n\n  c\n",
           "- a\n\n\n  c\n",
           "- [x] a\n\n\n  c\n",
           "- a\nb\n\n\n  c\n",
           "- a\n\n      b\n\n\n  c\n",
           "- a\n\n  <pre>b</pre>\n\n\n  c\n",
           "> - a\n>\n>   # b\n>\n>   c\n",
           "- # b\t\n\n  c\n",
           "- # \tb\n\n  c\n",
           "- #\tb\n\n  c\n",
           "- <div>b</div>  \n\n\n  c\n",
           "- > - # b\n  >\n  >   c\n",
           "- a\n      > b\n\n\n  c\n",
       }) {
    CAPTURE(text);
    const auto alone = content_of(imported(import::markdown, text, import_options()));
    // In the item, and not behind the list.
    CHECK(alone.find(p("c") + "]}]}") != std::string::npos);
    for (std::size_t length = 1; length <= 256; ++length) {
      const std::string in_front(length, 'x');
      const auto shifted = content_of(imported(import::markdown, in_front + "\n\n" + text, import_options()));
      if (shifted != p(in_front) + "," + alone) FAIL_CHECK(length << " characters in front: " << shifted);
    }
  }
}

TEST_CASE("how many line feeds a text needs is found out in one pass, whatever is in it") {
  for (const auto* piece : {"- ", "> ", "1) ", "#", "* - ", "- > ", "[ ] ", " "}) {
    CAPTURE(piece);
    std::string text = "- a\n\n  ";
    while (text.size() < 500'000) text += piece;
    for (const auto* end : {"\n\n\n  c\n", "x\n\n\n  c\n"}) CHECK(import::line_feeds_in_front(text + text + end) < 256);
  }
}

TEST_CASE("an item of a list is read right, though many others stand before it") {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "- a\n\n  # " + std::string(1 + i % 7, 'b') + "\n\n  c\n\n";
  text.pop_back();
  CHECK(markdown_of(from_markdown(text)) == text);
}

}  // namespace
