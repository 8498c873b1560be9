// The carets and selections of others in the plain-text editor. y-codemirror.next has such a plugin; this one takes its
// place because that one writes style attributes, which the node's Content-Security-Policy forbids, and so that a caret
// looks alike in both editors. The awareness field `cursor` has the same form as there, so both understand each other.
//
// Must stand after yCollab in the list of extensions: positions are read from a text that has this update already.

import { type Extension, RangeSet, StateEffect } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  type PluginValue,
  ViewPlugin,
  type ViewUpdate,
  WidgetType,
} from "@codemirror/view";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { clean_person } from "../document/people";
import { CaretElements } from "./caret";

interface AwarenessChange {
  readonly added: number[];
  readonly updated: number[];
  readonly removed: number[];
}

const carets_changed = StateEffect.define<null>();

class Caret extends WidgetType {
  constructor(
    private readonly client_: number,
    private readonly elements_: CaretElements,
  ) {
    super();
  }

  override eq(other: Caret): boolean {
    return other.client_ === this.client_;
  }

  override toDOM(): HTMLElement {
    return this.elements_.make(this.client_);
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** A position that came from the network: anything may be in it. */
function index_in(text: Y.Text, position: unknown): number | null {
  if (typeof position !== "object" || position === null) return null;
  try {
    const relative = Y.createRelativePositionFromJSON(position);
    const absolute = Y.createAbsolutePositionFromRelativePosition(relative, text.doc as Y.Doc);
    return absolute?.type === text ? absolute.index : null;
  } catch {
    return null;
  }
}

class Carets implements PluginValue {
  decorations: DecorationSet = RangeSet.empty;
  private readonly elements_: CaretElements;
  private readonly on_change_: (change: AwarenessChange) => void;
  private readonly on_focus_: () => void;

  constructor(
    private readonly view_: EditorView,
    private readonly text_: Y.Text,
    private readonly awareness_: Awareness,
  ) {
    this.elements_ = new CaretElements(awareness_);
    this.on_change_ = ({ added, updated, removed }) => {
      const others = [...added, ...updated, ...removed].some((client) => client !== awareness_.clientID);
      if (others) view_.dispatch({ effects: carets_changed.of(null) });
    };
    this.on_focus_ = () => this.tell_mine_();
    awareness_.on("change", this.on_change_);
    view_.contentDOM.addEventListener("focus", this.on_focus_);
    view_.contentDOM.addEventListener("blur", this.on_focus_);
    this.draw_();
  }

  update(update: ViewUpdate): void {
    if (update.docChanged || update.selectionSet || update.focusChanged) this.tell_mine_();
    const told = update.transactions.some((transaction) => transaction.effects.some((e) => e.is(carets_changed)));
    if (update.docChanged || told) this.draw_();
  }

  destroy(): void {
    this.elements_.destroy();
    this.awareness_.off("change", this.on_change_);
    this.view_.contentDOM.removeEventListener("focus", this.on_focus_);
    this.view_.contentDOM.removeEventListener("blur", this.on_focus_);
    if (this.awareness_.getLocalState()?.["cursor"]) this.awareness_.setLocalStateField("cursor", null);
  }

  private tell_mine_(): void {
    const state = this.awareness_.getLocalState();
    if (!state) return;
    const old: unknown = state["cursor"] ?? null;
    if (!this.view_.hasFocus) {
      if (old !== null) this.awareness_.setLocalStateField("cursor", null);
      return;
    }
    const { anchor, head } = this.view_.state.selection.main;
    const cursor = {
      anchor: Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(this.text_, anchor)),
      head: Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(this.text_, head)),
    };
    if (JSON.stringify(old) !== JSON.stringify(cursor)) this.awareness_.setLocalStateField("cursor", cursor);
  }

  private draw_(): void {
    const length = this.view_.state.doc.length;
    const ranges = [];
    for (const [client, state] of this.awareness_.getStates()) {
      const cursor: unknown = state["cursor"];
      if (client === this.awareness_.clientID || typeof cursor !== "object" || cursor === null) continue;
      const anchor = index_in(this.text_, (cursor as Record<string, unknown>)["anchor"]);
      const head = index_in(this.text_, (cursor as Record<string, unknown>)["head"]);
      if (anchor === null || head === null) continue;
      const { color } = clean_person(state["user"]);
      const from = Math.min(anchor, head, length);
      const to = Math.min(Math.max(anchor, head), length);
      if (from < to) {
        const attributes = { style: `--peer: ${color}` };
        ranges.push(Decoration.mark({ class: "peer-selection", attributes }).range(from, to));
      }
      const side = head > anchor ? -1 : 1;
      ranges.push(Decoration.widget({ widget: new Caret(client, this.elements_), side }).range(Math.min(head, length)));
    }
    this.decorations = Decoration.set(ranges, true);
  }
}

export function plain_carets(text: Y.Text, awareness: Awareness): Extension {
  return ViewPlugin.define((view) => new Carets(view, text, awareness), {
    decorations: (carets) => carets.decorations,
  });
}
