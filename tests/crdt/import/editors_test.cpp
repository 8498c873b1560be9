// Random documents of Tiptap, through a format and back, and whether its schema takes what comes out.
#include <filesystem>
#include <fstream>

#include "crdt/internal/markup.hpp"
#include "tests/crdt/import/support.hpp"
#include "tests/crdt/support/y_prosemirror.hpp"

namespace {

using namespace octavo;
using namespace octavo::test;

// Random documents as JSON: with all that HTML or Markdown has no form for, or without.
std::vector<std::string> random_documents(std::uint64_t seed, const char* kind) {
  const scratch_file file("octavo-json");
  REQUIRE(y_prosemirror("json " + std::to_string(seed) + " 200 '" + file.path() + "' " + kind) == 0);
  std::ifstream in(file.path());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  CHECK(lines.size() == 200);
  return lines;
}

// What Markdown can say of a document: blocks by their kind, and text with the marks that it has a notation for.
std::string markdown_sense(const crdt::document& document) {
  const auto tree = crdt::canonical_tree(*crdt::read_rich_tree(document, "doc"));
  std::string out;
  std::string last_marks;
  const auto run = [&](const std::string& marks, std::string_view text) {
    if (marks != last_marks || out.empty() || out.back() == '\n') out += "{" + marks + "}";
    last_marks = marks;
    out += text;
  };
  for (auto node = tree.following(0, 0); node != crdt::no_node; node = tree.following(node, 0)) {
    const auto& each = tree.at(node);
    if (each.kind == crdt::rich_kind::text) {
      std::set<std::string> marks;
      for (const auto number : each.marks) {
        const auto& mark = tree.mark(number);
        if (mark.name == "link") marks.insert(crdt::json_member(mark.json, "href"));
        if (mark.name != "textStyle" && mark.name != "comment" && mark.name != "link") marks.insert(mark.name);
      }
      std::string joined;
      for (const auto& name : marks) joined += name + " ";
      run(joined, each.content);
      continue;
    }
    if (each.content == "mention") {
      run("", crdt::internal::mention_text(tree, node));
      continue;
    }
    if (each.content == "hardBreak") {
      out += "/";
      continue;
    }
    // There are no empty paragraphs.
    if (each.content == "paragraph" && each.first_child == crdt::no_node) continue;
    out += "\n<" + each.content + "> ";
    for (const auto* name : {"level", "start", "checked", "language", "src", "alt", "title"})
      if (const auto value = tree.text_of(node, name)) out += std::string(name) + "=" + *value + " ";
    out += "\n";
  }
  return out;
}

TEST_CASE("a document of Tiptap survives its way through HTML") {
  const auto seed = choose_seed();
  const scratch_file imports("octavo-imports");
  {
    std::ofstream out(imports.path());
    for (const auto& json : random_documents(seed, "mild")) {
      const auto update = import::html(html_of(document_of(json)), import_options());
      REQUIRE(update);
      out << "tiptap-opened\t" << to_hex(*update) << "\tdoc\t" << json << '\n';
    }
  }
  CHECK(y_prosemirror("imports '" + imports.path() + "'") == 0);
}

TEST_CASE("whatever a document of Tiptap says in Markdown, it says afterwards") {
  const auto seed = choose_seed();
  const scratch_file imports("octavo-imports");
  {
    std::ofstream out(imports.path());
    for (const auto& json : random_documents(seed, "shallow")) {
      const auto document = document_of(json);
      const auto text = markdown_of(document);
      const auto update = import::markdown(text, import_options());
      REQUIRE(update);
      crdt::document again;
      feed(again, *update);
      INFO(text);
      CHECK(markdown_sense(again) == markdown_sense(document));
      CHECK(markdown_of(again) == text);
      out << "tiptap\t" << to_hex(*update) << "\tdoc\t-\n";
    }
  }
  CHECK(y_prosemirror("imports '" + imports.path() + "'") == 0);
}

// Pieces of markup in any order: what an export never writes.
std::string random_markup(std::mt19937_64& random, const std::vector<std::string>& pieces) {
  std::string out;
  for (auto count = random() % 40; count > 0; --count) out += pieces[random() % pieces.size()];
  return out;
}

TEST_CASE("an editor takes whatever is made of any HTML and Markdown") {
  const auto seed = choose_seed();
  std::mt19937_64 random(seed);
  const std::vector<std::string> html = {"<p>",
                                         "</p>",
                                         "<ul>",
                                         "</ul>",
                                         "<ol start=2>",
                                         "<li>",
                                         "</li>",
                                         "<b>",
                                         "</b>",
                                         "<a href=/x>",
                                         "</a>",
                                         "<table>",
                                         "<tr>",
                                         "<td>",
                                         "<th colspan=2>",
                                         "</td>",
                                         "</tr>",
                                         "</table>",
                                         "<img src=/i.png>",
                                         "<br>",
                                         "<hr>",
                                         "<h1>",
                                         "</h1>",
                                         "<pre>",
                                         "</pre>",
                                         "<code>",
                                         "</code>",
                                         "<blockquote>",
                                         "</blockquote>",
                                         "<div>",
                                         "</div>",
                                         "text",
                                         " ",
                                         "a b\n",
                                         "<ul data-type=taskList>",
                                         "<li data-type=taskItem>",
                                         "<input type=checkbox checked>",
                                         "<span data-type=mention data-id=1>",
                                         "</span>",
                                         "<caption>",
                                         "<tbody>",
                                         "<script>",
                                         "</script>",
                                         "&lt;",
                                         "<u>",
                                         "<font color=red>",
                                         "<!-- x -->",
                                         "<x>"};
  const std::vector<std::string> markdown = {"# ",
                                             "- ",
                                             "1. ",
                                             "2) ",
                                             "> ",
                                             "\n",
                                             "\n\n",
                                             "    ",
                                             "  ",
                                             "**",
                                             "*",
                                             "_",
                                             "~~",
                                             "`",
                                             "```\n",
                                             "text",
                                             "a b",
                                             "[",
                                             "](/x)",
                                             "![",
                                             "- [x] ",
                                             "- [ ] ",
                                             "| a | b |\n| --- | --- |\n",
                                             "| c |",
                                             "---\n",
                                             "===\n",
                                             "<b>",
                                             "</b>",
                                             "<br>",
                                             "<div>\n",
                                             "</div>\n",
                                             "&amp;",
                                             "\\",
                                             "\\\n",
                                             "<u>",
                                             "<!-- x -->",
                                             "***\n"};
  const scratch_file imports("octavo-imports");
  {
    std::ofstream out(imports.path());
    for (int round = 0; round < 600; ++round) {
      const bool basic = round % 2 != 0;
      const auto options = import_options(basic ? import::schema::prosemirror_basic : import::schema::tiptap);
      const auto text = round % 4 < 2 ? random_markup(random, html) : random_markup(random, markdown);
      const auto update = round % 4 < 2 ? import::html(text, options) : import::markdown(text, options);
      INFO(text);
      REQUIRE(update);
      out << (basic ? "basic" : "tiptap") << '\t' << to_hex(*update) << "\tdoc\t-\n";
    }
  }
  CHECK(y_prosemirror("imports '" + imports.path() + "'") == 0);
}

}  // namespace
