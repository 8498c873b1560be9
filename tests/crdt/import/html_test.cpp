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
  options.without = {"heading", "blockquote", "codeBlock", "table",          "taskList",
                     "image",   "bold",       "hardBreak", "horizontalRule", "paragraph"};
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

// A list of one task, as an export writes it.
std::string task(std::string_view text, bool done) {
  const std::string_view checked = done ? "true" : "false";
  return "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"" + std::string(checked) +
         "\"><label><input type=\"checkbox\" disabled" + (done ? " checked" : "") + "></label><div><p>" +
         std::string(text) + "</p></div></li></ul>\n";
}

TEST_CASE("values of HTML's attributes are read as browsers read them") {
  struct {
    std::string_view given, shown;
  } const cases[] = {
      {"<ol start=' 3 '><li>a</ol>", "<ol start=\"3\"><li><p>a</p></li></ol>\n"},
      {"<ol start=3rd><li>a</ol>", "<ol start=\"3\"><li><p>a</p></li></ol>\n"},
      {"<ol start=x><li>a</ol>", "<ol><li><p>a</p></li></ol>\n"},
      {"<ol start=9999999999><li>a</ol>", "<ol><li><p>a</p></li></ol>\n"},
      {"<ol start=1000000000><li>a</ol>", "<ol><li><p>a</p></li></ol>\n"},
      {"<p style='text-align:center'>a", "<p style=\"text-align: center\">a</p>\n"},
      {"<p style='color: red;\n\ttext-align : justify ;'>a", "<p style=\"text-align: justify\">a</p>\n"},
      {"<h2 style='text-align: right'>a</h2>", "<h2 style=\"text-align: right\">a</h2>\n"},
      {"<p style='text-align: right; text-align: center'>a", "<p style=\"text-align: center\">a</p>\n"},
      {"<p style='text-align: left'>a", "<p>a</p>\n"},
      {"<p style='text-align: middle'>a", "<p>a</p>\n"},
      {"<p style='text-align'>a", "<p>a</p>\n"},
      {"<p style=';: ;'>a", "<p>a</p>\n"},
      {"<pre><code class='hljs language-js'>a</code></pre>", "<pre><code class=\"language-js\">a</code></pre>\n"},
      {"<pre><code class='language-js hljs'>a</code></pre>", "<pre><code class=\"language-js\">a</code></pre>\n"},
      {"<pre><code class='language-'>a</code></pre>", "<pre><code>a</code></pre>\n"},
      {"<pre><code class='js'>a</code></pre>", "<pre><code>a</code></pre>\n"},
      {"<img src=/i width=' 30' height=40px>", "<img src=\"/i\" width=\"30\" height=\"40\">\n"},
      {"<img src=/i width=50% height=0>", "<img src=\"/i\">\n"},
      {"<img src=/i width=100001 height=-1>", "<img src=\"/i\">\n"},
      {"<mark data-color=red>a</mark>", "<p><mark data-color=\"red\" style=\"background-color: red\">a</mark></p>\n"},
      {"<mark style='background-color:#ff0'>a</mark>",
       "<p><mark data-color=\"#ff0\" style=\"background-color: #ff0\">a</mark></p>\n"},
      {"<mark style='background-color: url(x)'>a</mark>", "<p><mark>a</mark></p>\n"},
      {"<font color='url(x)'>a</font>", "<p>a</p>\n"},
      {"<span style='font-family: serif; background-color: red'>a</span>",
       "<p><span style=\"background-color: red; font-family: serif\">a</span></p>\n"},
      {"<span style='color: red; font-size: 1em'>a<span style='color: blue'>b</span></span>",
       "<p><span style=\"color: red; font-size: 1em\">a</span><span style=\"color: blue; font-size: "
       "1em\">b</span></p>\n"},
      {"<a href=/l target=_blank>a</a>", "<p><a href=\"/l\" target=\"_blank\" rel=\"noopener noreferrer\">a</a></p>\n"},
      {"<a>a</a>", "<p>a</p>\n"},
      {"<span data-type=other>a</span>", "<p>a</p>\n"},
      {"<span data-type=mention>a</span>", "<p><span data-type=\"mention\" data-id=\"\">@</span></p>\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.given);
    CHECK(through(each.given) == each.shown);
  }
}

TEST_CASE("cells keep spans and widths that are some") {
  const auto cell = [](std::string_view attributes) {
    return through("<table><tr><td " + std::string(attributes) + ">a</table>");
  };
  for (const auto* attributes : {"", "colspan=0", "colspan=1001", "rowspan=x", "colwidth=''", "colwidth=01",
                                 "colwidth=','", "colwidth='1, 2'"}) {
    CAPTURE(attributes);
    CHECK(cell(attributes) == "<table><tbody><tr><td><p>a</p></td></tr></tbody></table>\n");
  }
  CHECK(cell("colspan=' 2' rowspan=1000 colwidth=10,20") ==
        "<table><tbody><tr><td colspan=\"2\" rowspan=\"1000\" colwidth=\"10,20\"><p>a</p></td></tr></tbody></table>\n");
}

TEST_CASE("tasks are known by any of their classes, and done by their boxes") {
  CHECK(through("<ul class='x  contains-task-list'><li class='a\ntask-list-item b'>a</ul>") == task("a", false));
  CHECK(through("<ul class='contains-task-lists'><li>a</ul>") == "<ul><li><p>a</p></li></ul>\n");
  CHECK(through("<ul data-type=taskList><li data-type=taskItem><input type=checkbox checked>a</ul>") ==
        task("a", true));
  CHECK(through("<ul data-type=taskList><li data-type=taskItem data-checked=true>a</ul>") == task("a", true));
  CHECK(through("<ul data-type=taskList><li data-type=taskItem data-checked=yes>a</ul>") == task("a", false));
  CHECK(through("<ul data-type=taskList><li data-type=taskItem><input type=text checked>a</ul>") == task("a", false));
  // A list is what its first item is.
  CHECK(through("<ul data-type=taskList><li><input type=checkbox checked>a</ul>") == "<ul><li><p>a</p></li></ul>\n");
  CHECK(markdown_of(imported(import::html, "<ul><li data-type=taskItem data-checked=true>a<li>b</ul>",
                             import_options())) == "- [x] a\n- [ ] b\n");
  // A block right in a list is an item's, a task's if these are tasks.
  CHECK(through("<ul data-type=taskList><p>a</p></ul>") == task("a", false));
  CHECK(through("<ul data-type=taskList><li data-type=taskItem data-checked=true></ul>") ==
        "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input type=\"checkbox\" "
        "disabled checked></label><div><p></p></div></li></ul>\n");
  // A box that is no task's says nothing, in a task's table neither.
  CHECK(through("<input type=checkbox checked>a") == "<p>a</p>\n");
  CHECK(through("<ul><li><input type=checkbox checked>a</ul>") == "<ul><li><p>a</p></li></ul>\n");
  CHECK(through(
            "<ul data-type=taskList><li data-type=taskItem>a<table><tr><td><input type=checkbox checked>b</table></ul>")
            .find("checked>") == std::string::npos);
}

TEST_CASE("elements that have no place get one, and empty ones go") {
  struct {
    std::string_view given, shown;
  } const cases[] = {
      {"<ul></ul>a", "<p>a</p>\n"},
      {"<table></table>", "<p></p>\n"},
      {"<table><tr></tr></table>a", "<p>a</p>\n"},
      {"<table>a</table>", "<table><tbody><tr><td><p>a</p></td></tr></tbody></table>\n"},
      {"<table><tr><p>a</p></tr></table>", "<table><tbody><tr><td><p>a</p></td></tr></tbody></table>\n"},
      {"<table><td>a</td><p>b</p></table>",
       "<table><tbody><tr><td><p>a</p></td></tr><tr><td><p>b</p></td></tr></tbody></table>\n"},
      {"<tr><td>a</td></tr>b", "<p>a</p>\n<p>b</p>\n"},
      {"<h7>a</h7><h0>b</h0>", "<p>ab</p>\n"},
      {"<ul><li><p><img src=/i></p></ul>", "<ul><li><p></p><img src=\"/i\"></li></ul>\n"},
      {"<ul><li>a<p><img src=/i></p></ul>", "<ul><li><p>a</p><img src=\"/i\"></li></ul>\n"},
      {"<img src=/i>a<img src=/j>", "<img src=\"/i\">\n<p>a</p>\n<img src=\"/j\">\n"},
      {"<pre>a<br>b<img src=/i alt=c></pre>", "<pre><code>a\nbc</code></pre>\n"},
      {"<pre><span data-type=mention data-id=7 data-label=Ann>x</span><span data-type=mention data-id=7>y</span></pre>",
       "<pre><code>xy</code></pre>\n"},
      {"<p>a<hr>b", "<p>a</p>\n<hr>\n<p>b</p>\n"},
      {"<p>a\r\f b", "<p>a b</p>\n"},
      {"<p>a&#13;b", "<p>a b</p>\n"},
      {"<pre>a&#13;b</pre>", "<pre><code>a&#13;b</code></pre>\n"},
      {"\xEF\xBB\xBF<p>a", "<p>a</p>\n"},
      {"</p>a</div>", "<p>a</p>\n"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.given);
    CHECK(through(each.given) == each.shown);
  }
}

TEST_CASE("mentions are text where the editor has none") {
  const auto* html =
      "<span data-type=mention data-id=7 data-label=Ann>x</span> <span data-type=mention data-id=8>y</span>";
  CHECK(from_html(html, import::schema::prosemirror_basic) == p("@Ann @8"));
  CHECK(through(html) ==
        "<p><span data-type=\"mention\" data-id=\"7\" data-label=\"Ann\">@Ann</span> <span "
        "data-type=\"mention\" data-id=\"8\">@8</span></p>\n");
}

TEST_CASE("the limit of nodes holds for whatever makes one") {
  for (const auto* piece : {"<br>", "<hr>", "<img src=/i>", "<span data-type=mention data-id=1></span>", "<p>",
                            "a<b>b</b>", "<li>", "<table><tr><td></table>"}) {
    auto options = import_options();
    options.max_nodes = 20;
    std::string html;
    for (int i = 0; i < 30; ++i) html += piece;
    CAPTURE(piece);
    CHECK(import::html(html, options).error().code == crdt::import_errc::too_many_nodes);
    CHECK(import::html(html, import_options()));
  }
  // A division makes none, but there is no more to divide.
  auto options = import_options();
  options.max_nodes = 2;
  CHECK(import::html("a<div></div>", options).error().code == crdt::import_errc::too_many_nodes);
}

}  // namespace
