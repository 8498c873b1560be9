// Rich text: Tiptap on the Y.XmlFragment `default`, with Yjs's undo manager in place of an undo history of its own.

import { Editor, Extension } from "@tiptap/core";
import { Collaboration } from "@tiptap/extension-collaboration";
import { Placeholder } from "@tiptap/extensions/placeholder";
import { Selection } from "@tiptap/extensions/selection";
import StarterKit from "@tiptap/starter-kit";
import { useCallback, useEffect, useRef, useState } from "react";
import type { DocumentSession } from "../document/session";
import { Toolbar } from "../ui/toolbar";
import { expose } from "./expose";
import { may_take_focus } from "../ui/focus";
import { rich_flags, rich_toolbar } from "./items";
import { LinkForm } from "./link_form";
import { rich_carets } from "./rich_carets";

export const rich_field = "default";

interface Props {
  readonly session: DocumentSession;
  readonly editable: boolean;
  readonly on_text: (read_text: () => string) => void;
}

function make_editor(element: HTMLElement, session: DocumentSession, editable: boolean, edit_link: () => void): Editor {
  return new Editor({
    element,
    editable,
    autofocus: editable && may_take_focus() ? "end" : false,
    // Tiptap's own style element would be inline style; what it holds is in the page's style sheet.
    injectCSS: false,
    extensions: [
      StarterKit.configure({
        undoRedo: false,
        // It would write a paragraph into every document that is merely opened.
        trailingNode: false,
        heading: { levels: [1, 2, 3] },
        link: { openOnClick: false, defaultProtocol: "https", HTMLAttributes: { rel: "noopener noreferrer nofollow" } },
      }),
      Collaboration.configure({ document: session.doc, field: rich_field }),
      rich_carets(session.awareness),
      Placeholder.configure({ placeholder: "Write something…" }),
      // What is selected stays visible while the form for a link has the focus.
      Selection.configure({ className: "kept-selection" }),
      Extension.create({
        name: "link_key",
        addKeyboardShortcuts: () => ({
          "Mod-k": () => {
            edit_link();
            return true;
          },
        }),
      }),
    ],
    editorProps: {
      attributes: {
        class: "prose",
        role: "textbox",
        "aria-multiline": "true",
        "aria-label": "Text of the document",
        spellcheck: "true",
      },
      handleClick: (view, _position, event) => {
        const anchor = event.target instanceof Element ? event.target.closest("a[href]") : null;
        // A plain click in an editable text places the caret.
        const wanted = event.ctrlKey || event.metaKey || !view.editable;
        if (!(anchor instanceof HTMLAnchorElement) || !wanted) return false;
        window.open(anchor.href, "_blank", "noopener,noreferrer");
        return true;
      },
    },
  });
}

export default function RichEditor({ session, editable, on_text }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const [editor, set_editor] = useState<Editor | null>(null);
  const [flags, set_flags] = useState("");
  const [linking, set_linking] = useState(false);
  const edit_link = useCallback(() => set_linking(true), []);

  useEffect(() => {
    if (!host.current) return;
    const made = make_editor(host.current, session, editable, edit_link);
    const tell_text = (): void => {
      const { doc } = made.state;
      on_text(() => doc.textBetween(0, doc.content.size, " ", " "));
    };
    const on_transaction = (): void => set_flags(rich_flags(made));
    made.on("transaction", on_transaction);
    made.on("update", tell_text);
    set_editor(made);
    set_flags(rich_flags(made));
    tell_text();
    expose({ editor: made });
    return () => {
      set_editor(null);
      made.destroy();
    };
    // The editor is made once; what changes later is told to it below.
  }, [session]);

  useEffect(() => {
    if (editor && editor.isEditable !== editable) editor.setEditable(editable, false);
  }, [editor, editable]);

  return (
    <>
      {editor && editable && (
        <Toolbar items={rich_toolbar(editor, flags, edit_link)} label="Formatting">
          {linking && <LinkForm editor={editor} on_done={() => set_linking(false)} />}
        </Toolbar>
      )}
      <div className="writing" ref={host} data-testid="rich-editor" />
    </>
  );
}
