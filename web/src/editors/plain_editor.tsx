// Plain text: CodeMirror on the Y.Text `text`. The editor lives in a shadow root, where CodeMirror's style sheets are
// adopted ones instead of <style> elements: nothing inline, as the node's Content-Security-Policy demands.

import { defaultKeymap } from "@codemirror/commands";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, drawSelection, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef, useState } from "react";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";
import type { DocumentSession } from "../document/session";
import { plain_toolbar, type ToolbarItem } from "./items";
import { plain_carets } from "./plain_carets";
import { plain_theme } from "./plain_theme";
import { may_take_focus } from "../ui/focus";
import { Toolbar } from "../ui/toolbar";
import { expose } from "./expose";

export const plain_field = "text";

interface Props {
  readonly session: DocumentSession;
  readonly editable: boolean;
  readonly on_text: (read_text: () => string) => void;
}

function editable_now(editable: boolean) {
  return [EditorView.editable.of(editable), EditorState.readOnly.of(!editable)];
}

export default function PlainEditor({ session, editable, on_text }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const [editability] = useState(() => new Compartment());
  const [undo_manager] = useState(() => new Y.UndoManager(session.doc.getText(plain_field)));
  const [, redraw] = useState(0);

  useEffect(() => {
    if (!host.current) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const text = session.doc.getText(plain_field);
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text.toString(),
        extensions: [
          keymap.of([
            ...yUndoManagerKeymap,
            // y-codemirror.next has this key on a Mac only.
            { key: "Mod-Shift-z", run: () => undo_manager.redo() !== null, preventDefault: true },
            ...defaultKeymap,
          ]),
          drawSelection(),
          EditorView.lineWrapping,
          placeholder("Write something…"),
          EditorView.contentAttributes.of({ "aria-label": "Text of the document", spellcheck: "true" }),
          editability.of(editable_now(editable)),
          plain_theme,
          yCollab(text, null, { undoManager: undo_manager }),
          plain_carets(text, session.awareness),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) on_text(() => update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    expose({ editor });
    on_text(() => text.toString());
    if (editable && may_take_focus()) editor.focus();
    const on_stack = (): void => redraw((count) => count + 1);
    const stack_events = ["stack-item-added", "stack-item-popped", "stack-cleared"] as const;
    for (const event of stack_events) undo_manager.on(event, on_stack);
    return () => {
      for (const event of stack_events) undo_manager.off(event, on_stack);
      editor.destroy();
      view.current = null;
    };
    // The editor is made once; what changes later is told to it below.
  }, [session]);

  useEffect(() => {
    view.current?.dispatch({ effects: editability.reconfigure(editable_now(editable)) });
  }, [editable, editability]);

  const items: ToolbarItem[] = plain_toolbar(undo_manager, () => view.current?.focus());
  return (
    <>
      {editable && <Toolbar items={items} label="Editing" />}
      <div className="writing writing-plain" ref={host} data-testid="plain-editor" />
    </>
  );
}
