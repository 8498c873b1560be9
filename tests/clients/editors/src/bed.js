// One page for every editor that README names, on stock packages and as README says: ?editor=…&node=HOST:PORT&doc=…
// It may be on any origin, as an application of one's own is. Tests read `window.bed`.
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const query = new URLSearchParams(location.search);
const editors = {
  blocknote: () => import("./blocknote.js"),
  codemirror: () => import("./codemirror.js"),
  lexical: () => import("./lexical.jsx"),
  monaco: () => import("./monaco.js"),
  prosemirror: () => import("./prosemirror.js"),
  quill: () => import("./quill.js"),
  tiptap: () => import("./tiptap.js"),
};

const user = { name: query.get("name") ?? "Ada", color: "#7c3aed" };
const bed = { synced: false, people: () => 0, text: () => "" };
window.bed = bed;

/** Lexical makes documents and providers itself. */
function connect(name, doc, options) {
  const provider = new WebsocketProvider(`ws://${query.get("node")}`, name, doc, options);
  provider.on("sync", (synced) => (bed.synced = synced));
  bed.people = () => provider.awareness.getStates().size;
  return provider;
}

const { mount } = await editors[query.get("editor")]();
const doc = new Y.Doc();
const makes_its_own = query.get("editor") === "lexical";
const provider = makes_its_own ? undefined : connect(query.get("doc"), doc);
bed.text = mount(document.querySelector("#editor"), { doc, provider, user, connect, name: query.get("doc") });
