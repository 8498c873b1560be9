// What stands in the toolbars. Each item is a label, a key, a state and an action; ui/toolbar.tsx draws them.

import type { Editor } from "@tiptap/core";
import type { ReactNode } from "react";
import type * as Y from "yjs";
import * as icon from "../ui/icons";

export interface ToolbarItem {
  readonly id: string;
  readonly label: string;
  readonly keys: string;
  readonly face: ReactNode;
  /** Undefined for an action that is not switched on and off. */
  readonly active?: boolean;
  readonly disabled?: boolean;
  readonly run: () => void;
  /** Starts a new group. */
  readonly gap?: boolean;
}

const is_mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** "Mod-Shift-x" as the user's keyboard names it. */
export function keys_text(keys: string): string {
  const names: Record<string, string> = is_mac
    ? { Mod: "⌘", Shift: "⇧", Alt: "⌥" }
    : { Mod: "Ctrl", Shift: "Shift", Alt: "Alt" };
  const parts = keys.split("-").map((part) => names[part] ?? part.toUpperCase());
  return parts.join(is_mac ? "" : "+");
}

export function plain_toolbar(undo_manager: Y.UndoManager, focus: () => void): ToolbarItem[] {
  return [
    {
      id: "undo",
      label: "Undo",
      keys: "Mod-z",
      face: icon.undo,
      disabled: undo_manager.undoStack.length === 0,
      run: () => {
        undo_manager.undo();
        focus();
      },
    },
    {
      id: "redo",
      label: "Redo",
      keys: "Mod-Shift-z",
      face: icon.redo,
      disabled: undo_manager.redoStack.length === 0,
      run: () => {
        undo_manager.redo();
        focus();
      },
    },
  ];
}

/** The parts of the editor's state that the toolbar shows, as one string: equal strings need no new drawing. */
export function rich_flags(editor: Editor): string {
  const flags: string[] = [];
  for (const level of [1, 2, 3]) if (editor.isActive("heading", { level })) flags.push(`heading${level}`);
  for (const name of [
    "bold",
    "italic",
    "underline",
    "strike",
    "code",
    "link",
    "bulletList",
    "orderedList",
    "blockquote",
    "codeBlock",
  ]) {
    if (editor.isActive(name)) flags.push(name);
  }
  if (editor.can().undo()) flags.push("can_undo");
  if (editor.can().redo()) flags.push("can_redo");
  return flags.join(" ");
}

export function rich_toolbar(editor: Editor, flags: string, edit_link: () => void): ToolbarItem[] {
  const on = new Set(flags.split(" "));
  const chain = () => editor.chain().focus();
  const heading = (level: 1 | 2 | 3): ToolbarItem => ({
    id: `heading${level}`,
    label: `Heading ${level}`,
    keys: `Mod-Alt-${level}`,
    face: <span className="glyph glyph-heading">H{level}</span>,
    active: on.has(`heading${level}`),
    run: () => chain().toggleHeading({ level }).run(),
    gap: level === 1,
  });
  return [
    {
      id: "undo",
      label: "Undo",
      keys: "Mod-z",
      face: icon.undo,
      disabled: !on.has("can_undo"),
      run: () => chain().undo().run(),
    },
    {
      id: "redo",
      label: "Redo",
      keys: "Mod-Shift-z",
      face: icon.redo,
      disabled: !on.has("can_redo"),
      run: () => chain().redo().run(),
    },
    heading(1),
    heading(2),
    heading(3),
    {
      id: "bold",
      label: "Bold",
      keys: "Mod-b",
      face: <span className="glyph glyph-bold">B</span>,
      active: on.has("bold"),
      run: () => chain().toggleBold().run(),
      gap: true,
    },
    {
      id: "italic",
      label: "Italic",
      keys: "Mod-i",
      face: <span className="glyph glyph-italic">I</span>,
      active: on.has("italic"),
      run: () => chain().toggleItalic().run(),
    },
    {
      id: "underline",
      label: "Underline",
      keys: "Mod-u",
      face: <span className="glyph glyph-underline">U</span>,
      active: on.has("underline"),
      run: () => chain().toggleUnderline().run(),
    },
    {
      id: "strike",
      label: "Strikethrough",
      keys: "Mod-Shift-s",
      face: <span className="glyph glyph-strike">S</span>,
      active: on.has("strike"),
      run: () => chain().toggleStrike().run(),
    },
    {
      id: "code",
      label: "Code",
      keys: "Mod-e",
      face: icon.code,
      active: on.has("code"),
      run: () => chain().toggleCode().run(),
    },
    { id: "link", label: "Link", keys: "Mod-k", face: icon.link, active: on.has("link"), run: edit_link },
    {
      id: "bulletList",
      label: "Bulleted list",
      keys: "Mod-Shift-8",
      face: icon.bullets,
      active: on.has("bulletList"),
      run: () => chain().toggleBulletList().run(),
      gap: true,
    },
    {
      id: "orderedList",
      label: "Numbered list",
      keys: "Mod-Shift-7",
      face: icon.numbers,
      active: on.has("orderedList"),
      run: () => chain().toggleOrderedList().run(),
    },
    {
      id: "blockquote",
      label: "Quote",
      keys: "Mod-Shift-b",
      face: icon.quote,
      active: on.has("blockquote"),
      run: () => chain().toggleBlockquote().run(),
    },
    {
      id: "codeBlock",
      label: "Code block",
      keys: "Mod-Alt-c",
      face: icon.code_block,
      active: on.has("codeBlock"),
      run: () => chain().toggleCodeBlock().run(),
    },
  ];
}
