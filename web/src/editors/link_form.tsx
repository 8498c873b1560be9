// The small form that gives the selected text an address, changes it or takes it away.

import type { Editor } from "@tiptap/core";
import { type FormEvent, type KeyboardEvent, useState } from "react";

function with_scheme(address: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || /^[/#?]/.test(address)) return address;
  return address.includes("@") && !address.includes("/") ? `mailto:${address}` : `https://${address}`;
}

/** Addresses that do nothing but lead somewhere. */
function allowed(href: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:/i.test(href) || /^(https?|mailto|tel|ftp|sms):/i.test(href);
}

export function LinkForm({ editor, on_done }: { readonly editor: Editor; readonly on_done: () => void }) {
  const old = (editor.getAttributes("link")["href"] as string | undefined) ?? "";
  const [address, set_address] = useState(old);
  const [problem, set_problem] = useState<string | null>(null);

  const close = (): void => {
    on_done();
    editor.commands.focus();
  };

  const apply = (event: FormEvent): void => {
    event.preventDefault();
    const wanted = address.trim();
    if (wanted === "") {
      remove();
      return;
    }
    const href = with_scheme(wanted);
    if (!allowed(href)) {
      set_problem("This address cannot be used for a link.");
      return;
    }
    const chain = editor.chain().focus();
    // With nothing selected and no link to change, the address itself becomes the text.
    if (editor.state.selection.empty && old === "") {
      chain.insertContent({ type: "text", text: wanted, marks: [{ type: "link", attrs: { href } }] }).run();
    } else {
      chain.extendMarkRange("link").setLink({ href }).run();
    }
    on_done();
  };

  const remove = (): void => {
    editor.chain().focus().extendMarkRange("link").unsetLink().run();
    on_done();
  };

  const on_key = (event: KeyboardEvent): void => {
    if (event.key === "Escape") close();
  };

  return (
    <form className="popover link-form" onSubmit={apply} onKeyDown={on_key} aria-label="Link">
      <input
        type="text"
        inputMode="url"
        aria-label="Address of the link"
        placeholder="example.org"
        value={address}
        onChange={(event) => set_address(event.target.value)}
        autoFocus
        spellCheck={false}
        autoCapitalize="off"
      />
      <button type="submit" className="button button-primary">
        Apply
      </button>
      {old !== "" && (
        <button type="button" className="button" onClick={remove}>
          Remove
        </button>
      )}
      <button type="button" className="button button-quiet" onClick={close}>
        Cancel
      </button>
      {problem && (
        <p className="form-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
