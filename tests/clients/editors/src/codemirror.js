import { EditorState } from "@codemirror/state";
import { defaultKeymap } from "@codemirror/commands";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";

export function mount(element, { doc, provider }) {
  const text = doc.getText("text");
  const view = new EditorView({
    parent: element,
    state: EditorState.create({
      doc: text.toString(),
      extensions: [
        keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
        lineNumbers(),
        drawSelection(),
        yCollab(text, provider.awareness),
      ],
    }),
  });
  return () => view.state.doc.toString();
}
