import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";

export function mount(element, { doc, provider }) {
  const text = doc.getText("text");
  const view = new EditorView({
    parent: element,
    state: EditorState.create({
      doc: text.toString(),
      extensions: [keymap.of(yUndoManagerKeymap), basicSetup, yCollab(text, provider.awareness)],
    }),
  });
  return () => view.state.doc.toString();
}
