// The carets of others, for both editors: one element a client, kept up to date by what the client says of itself. Editors
// re-use a caret's element when it moves, so names and colours are followed here and not by drawing anew.
//
// Colours are set through the style object and not as an attribute, which a strict Content-Security-Policy allows.

import type { Awareness } from "y-protocols/awareness";
import { clean_person } from "../document/people";

/** A name shows when its caret moves, and steps back when the caret rests. */
const label_shown_ms = 2_500;
/** How near a name may come to the window's right edge before it is put on the other side. */
const edge_px = 8;

interface Caret {
  readonly element: HTMLElement;
  readonly label: HTMLElement;
  /** What the element shows: the client's user and cursor as JSON. */
  shown: string;
  timer: number | undefined;
}

interface AwarenessChange {
  readonly updated: number[];
  readonly removed: number[];
}

export class CaretElements {
  private readonly carets_ = new Map<number, Caret>();
  private readonly on_change_ = ({ updated, removed }: AwarenessChange): void => {
    for (const client of updated) this.refresh_(client);
    for (const client of removed) this.forget_(client);
  };

  constructor(private readonly awareness_: Awareness) {
    awareness_.on("change", this.on_change_);
  }

  destroy(): void {
    this.awareness_.off("change", this.on_change_);
    for (const client of [...this.carets_.keys()]) this.forget_(client);
  }

  /** A new element for the client's caret, in place of the one before. */
  make(client: number): HTMLElement {
    this.forget_(client);
    const element = document.createElement("span");
    element.className = "peer-caret";
    const label = document.createElement("span");
    label.className = "peer-label";
    element.append("\u2060", label, "\u2060");
    this.carets_.set(client, { element, label, shown: "", timer: undefined });
    this.refresh_(client);
    return element;
  }

  private refresh_(client: number): void {
    const caret = this.carets_.get(client);
    const state = this.awareness_.getStates().get(client);
    if (!caret || !state) return;
    const shown = JSON.stringify([state["user"], state["cursor"]]);
    if (shown === caret.shown) return;
    caret.shown = shown;
    const { name, color } = clean_person(state["user"]);
    caret.element.style.setProperty("--peer", color);
    caret.label.textContent = name;
    caret.element.classList.add("is-fresh");
    window.clearTimeout(caret.timer);
    caret.timer = window.setTimeout(() => caret.element.classList.remove("is-fresh"), label_shown_ms);
    // Where the element stands is known once the editor has drawn.
    requestAnimationFrame(() => {
      caret.element.classList.remove("is-leftward");
      const edge = document.documentElement.clientWidth - edge_px;
      if (caret.label.getBoundingClientRect().right > edge) caret.element.classList.add("is-leftward");
    });
  }

  private forget_(client: number): void {
    window.clearTimeout(this.carets_.get(client)?.timer);
    this.carets_.delete(client);
  }
}
