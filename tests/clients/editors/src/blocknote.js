import { BlockNoteEditor } from "@blocknote/core";
import { withCollaboration } from "@blocknote/core/yjs";
import "@blocknote/core/style.css";

export function mount(element, { doc, provider, user }) {
  const fragment = doc.getXmlFragment("blocknote");
  const editor = BlockNoteEditor.create(withCollaboration({ collaboration: { provider, fragment, user } }));
  editor.mount(element);
  return () => editor.document.map((block) => (block.content ?? []).map((part) => part.text).join("")).join("\n").trim();
}
