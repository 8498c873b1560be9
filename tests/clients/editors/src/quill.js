import Quill from "quill";
import QuillCursors from "quill-cursors";
import { QuillBinding } from "y-quill";
import "quill/dist/quill.snow.css";

Quill.register("modules/cursors", QuillCursors);

export function mount(element, { doc, provider }) {
  const quill = new Quill(element, { theme: "snow", modules: { cursors: true, history: { userOnly: true } } });
  new QuillBinding(doc.getText("quill"), quill, provider.awareness);
  return () => quill.getText();
}
