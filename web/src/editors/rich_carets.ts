// The carets and selections of others in the rich-text editor. Tiptap's own extension for them hides from the builder of
// an element whose caret it is, which is needed to follow a changed name; so this uses the plugin beneath it.

import { Extension } from "@tiptap/core";
import { Plugin, PluginKey } from "@tiptap/pm/state";
import { yCursorPlugin } from "@tiptap/y-tiptap";
import type { Awareness } from "y-protocols/awareness";
import { clean_person } from "../document/people";
import { CaretElements } from "./caret";

/** Must stand after Collaboration, whose state it reads. */
export function rich_carets(awareness: Awareness): Extension {
  return Extension.create({
    name: "rich_carets",
    priority: 999,
    addProseMirrorPlugins: () => {
      const elements = new CaretElements(awareness);
      return [
        yCursorPlugin(awareness, {
          cursorBuilder: (_user: unknown, client: number) => elements.make(client),
          selectionBuilder: (user: unknown) => ({
            nodeName: "span",
            class: "peer-selection",
            style: `--peer: ${clean_person(user).color}`,
          }),
        }),
        new Plugin({
          key: new PluginKey("rich_carets"),
          view: () => ({ destroy: () => elements.destroy() }),
        }),
      ];
    },
  });
}
