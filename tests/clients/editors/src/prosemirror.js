import "prosemirror-view/style/prosemirror.css";
import { keymap } from "prosemirror-keymap";
import { schema } from "prosemirror-schema-basic";
import { EditorState } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from "y-prosemirror";

export function mount(element, { doc, provider }) {
  const plugins = [
    ySyncPlugin(doc.getXmlFragment("default")),
    yCursorPlugin(provider.awareness),
    yUndoPlugin(),
    keymap({ "Mod-z": undo, "Mod-y": redo }),
  ];
  const view = new EditorView(element, { state: EditorState.create({ schema, plugins }) });
  return () => view.state.doc.textContent;
}
