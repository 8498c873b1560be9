import * as monaco from "monaco-editor/esm/vs/editor/editor.api.js";
import { MonacoBinding } from "y-monaco";

self.MonacoEnvironment = { getWorker: () => new Worker("monaco.worker.js", { type: "module" }) };

export function mount(element, { doc, provider }) {
  const editor = monaco.editor.create(element, { value: "", language: "plaintext" });
  new MonacoBinding(doc.getText("monaco"), editor.getModel(), new Set([editor]), provider.awareness);
  return () => editor.getValue();
}
