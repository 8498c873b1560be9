#include "tests/crdt/import/support.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

std::string from_html(std::string_view html, import::schema schema = import::schema::tiptap) {
  return content_of(imported(import::html, html, import_options(schema)));
}

// The HTML that an import shows again.
std::string through(std::string_view html) {
  return html_of(imported(import::html, html, import_options()));
}

TEST_CASE("HTML that was written by an export is read back as it was") {
  for (const auto* html :
       {"<h2>T</h2>\n", "<p></p>\n", "<p style=\"text-align: center\">x</p>\n",
        "<p>a <strong>b<em>c</em></strong><u>d</u><s>e</s><code>f</code><sub>g</sub><sup>h</sup></p>\n",
        "<p><a href=\"https://a.example/?x&amp;y\" target=\"_blank\" rel=\"nofollow\" title=\"t\">l</a></p>\n",
        "<p><mark data-color=\"#ff0\" style=\"background-color: #ff0\">m</mark></p>\n",
        "<p><span style=\"color: red; font-size: 12px\">s</span></p>\n",
        "<ul><li><p>a</p><ol start=\"3\"><li><p>b</p></li></ol></li></ul>\n",
        "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
        "disabled checked></label><div><p>x</p></div></li></ul>\n",
        "<pre><code class=\"language-js\">\n a &lt;\n</code></pre>\n", "<blockquote><p>q</p></blockquote>\n<hr>\n",
        "<img src=\"/a.png\" alt=\"A\" title=\"T\" width=\"3\">\n", "<p>a<br>b</p>\n",
        "<table><tbody><tr><th><p>a</p></th></tr><tr><td colspan=\"2\" "
        "colwidth=\"10,20\"><p>b</p></td></tr></tbody></table>\n",
        "<p>&lt;b&gt; &amp;amp; \xC3\xBC \xF0\x9F\x98\x80</p>\n",
        "<p><span data-type=\"mention\" data-id=\"7\" data-label=\"Ann\">@Ann</span></p>\n"})
    CHECK(through(html) == html);
}

TEST_CASE("the HTML of others finds a place in the schema") {
  CHECK(through("text <p>in p</p> after") == "<p>text</p>\n<p>in p</p>\n<p>after</p>\n");
  CHECK(through("<div>a<div>b</div>c</div>") == "<p>a</p>\n<p>b</p>\n<p>c</p>\n");
  CHECK(through("<li>a<li>b</li><p>c</p>") == "<ul><li><p>a</p></li><li><p>b</p></li></ul>\n<p>c</p>\n");
  CHECK(through("<ul>a<li><h1>b</h1></ul>") == "<ul><li><p>a</p></li><li><p></p><h1>b</h1></li></ul>\n");
  CHECK(through("<ul><ul><li>a</ul></ul><ul></ul>") == "<ul><li><p></p><ul><li><p>a</p></li></ul></li></ul>\n");
  CHECK(through("<td>a</td>") == "<p>a</p>\n");
  CHECK(through("<table><td>a<td>b<tr><td>c</table>") ==
        "<table><tbody><tr><td><p>a</p></td><td><p>b</p></td></tr><tr><td><p>c</p></td></tr></tbody></table>\n");
  CHECK(through("<p>a<img src=/i.png>b</p><p><img src=/j.png></p>") ==
        "<p>a</p>\n<img src=\"/i.png\">\n<p>b</p>\n<img src=\"/j.png\">\n");
  CHECK(through("<ul><li><img src=/i.png></ul>") == "<ul><li><p></p><img src=\"/i.png\"></li></ul>\n");
  CHECK(through("<blockquote></blockquote>") == "<blockquote><p></p></blockquote>\n");
  CHECK(through("") == "<p></p>\n");
  CHECK(through("<ul class=contains-task-list><li class=task-list-item><input type=checkbox checked> x</ul>") ==
        "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
        "disabled checked></label><div><p>x</p></div></li></ul>\n");
  CHECK(through("<p><font color=red>a</font><b><i>b</b>c</i>") ==
        "<p><span style=\"color: red\">a</span><strong><em>b</em></strong>c</p>\n");
  CHECK(through("<code>a<b>b</b></code>") == "<p><code>ab</code></p>\n");
}

TEST_CASE("white space counts as browsers show it") {
  CHECK(through("<p>  a \n b <b> c </b> d  <br>  e </p>") == "<p>a b <strong>c </strong>d<br>e</p>\n");
  CHECK(through("<p>a&nbsp; b</p>\n\n<p>c</p>") == "<p>a\xC2\xA0 b</p>\n<p>c</p>\n");
  CHECK(through("<pre>\n\n a  b\n</pre>") == "<pre><code>\n a  b\n</code></pre>\n");
}

TEST_CASE("nothing that could run comes in") {
  CHECK(through("<script>alert(1)</script><style>x</style>a<svg><script>1</script></svg>") == "<p>a</p>\n");
  CHECK(through("<a href=' javascript:x'>a</a><a href='java&#10;script:x'>b</a>") == "<p>ab</p>\n");
  CHECK(from_html("<img src='javascript:x' alt='A'><p onclick='x' style='color:expression(x)'>b</p>") ==
        p("A") + "," + p("b"));
  CHECK(from_html("<span style='color: url(x)'>a</span><span style='color:red;}'>b</span>").find("url") ==
        std::string::npos);
}

TEST_CASE("the names of prosemirror-schema-basic, and what it lacks") {
  CHECK(from_html("<ul><li>a</ul><ol start=3><li>b</ol><b>c</b><u>d</u><br><img src=/i.png><pre>e</pre><hr>",
                  import::schema::prosemirror_basic) ==
        R"({"type":"bullet_list","content":[{"type":"list_item","content":[)" + p("a") +
            R"(]}]},{"type":"ordered_list","attrs":{"order":3},"content":[{"type":"list_item","content":[)" + p("b") +
            R"(]}]},{"type":"paragraph","content":[{"type":"text","text":"c","marks":[{"type":"strong","attrs":{}}]},)"
            R"({"type":"text","text":"d"},{"type":"hard_break"},{"type":"image","attrs":{"src":"/i.png"}}]},)"
            R"({"type":"code_block","content":[{"type":"text","text":"e"}]},{"type":"horizontal_rule"})");
  CHECK(from_html("<table><tr><td>a<td>b</table>", import::schema::prosemirror_basic) == p("a") + "," + p("b"));
}

TEST_CASE("what the editor does not know becomes what is nearest") {
  auto options = import_options();
  options.without = {"heading", "blockquote", "codeBlock", "table",         "taskList",
                     "image",   "bold",       "hardBreak", "horizontalRule"};
  CHECK(content_of(imported(import::html,
                            "<h1>a</h1><blockquote>b<p>c</p></blockquote><pre>d</pre><table><tr><td>e</table>"
                            "<img src=/i.png alt=f><hr><p><b>g</b><br>h",
                            options)) ==
        p("a") + "," + p("b") + "," + p("c") + "," + p("d") + "," + p("e") + "," + p("f") + "," + p("g h"));
}

TEST_CASE("every limit of an import of HTML is checked") {
  auto options = import_options();
  const auto repeated = [](std::string_view what, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += what;
    return out;
  };
  for (const auto* tag : {"<blockquote>", "<b>", "<div>", "<ul><li>", "<span>", "<table><tr><td>", "<x>", "<svg>"}) {
    INFO(tag);
    CHECK(import::html(repeated(tag, 100'000), options).error().code == crdt::import_errc::too_deep);
  }
  options.max_nodes = 100;
  CHECK(import::html(repeated("<p>x", 100), options).error().code == crdt::import_errc::too_many_nodes);
  options.max_bytes = 10;
  CHECK(import::html("more than ten", options).error().code == crdt::import_errc::too_large);
  CHECK(import::html("\xC3", import_options()).error().code == crdt::import_errc::bad_utf8);
  CHECK(through(std::string_view("a\0b", 3)) ==
        "<p>a\xEF\xBF\xBD"
        "b</p>\n");
  CHECK(through("<meta charset=latin1><p>\xC3\xBC") == "<p>\xC3\xBC</p>\n");
}

}  // namespace
