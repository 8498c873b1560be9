// Reads a Yjs update (encoding v1) from a file and prints what is in it: all roots as JSON, or one root's text. Such a
// file is what `octavo doc export NAME -o FILE` or Y.encodeStateAsUpdate(doc) writes.
#include <fstream>
#include <iostream>
#include <sstream>

#include "crdt/document.hpp"

int main(int argc, char** argv) {
  namespace crdt = octavo::crdt;
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: read_update FILE [ROOT]\n";
    return 2;
  }
  auto in = std::ifstream{argv[1], std::ios::binary};
  auto text = std::ostringstream{};
  if (!in || !(text << in.rdbuf())) {
    std::cerr << "cannot read " << argv[1] << '\n';
    return 1;
  }
  auto update = std::move(text).str();

  auto document = crdt::document{};
  auto applied = document.apply_v1(octavo::as_bytes(update));
  if (!applied) {
    const auto& why = applied.error();
    std::cerr << argv[1] << ": " << (why.decode ? to_string(*why.decode) : std::string{to_string(*why.apply)}) << '\n';
    return 1;
  }
  if (applied->pending_structs != 0)
    std::cerr << "warning: " << applied->pending_structs << " parts wait for updates that are not in this file\n";
  std::cout << (argc == 3 ? document.text(argv[2]) : document.to_json()) << '\n';
  return 0;
}
