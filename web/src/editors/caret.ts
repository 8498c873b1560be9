// Another person's caret, for both editors. Colours are set through the style object and not as an attribute, which a
// strict Content-Security-Policy allows.

import type { Person } from "../document/people";

const label_shown_ms = 2_500;
/** How near a name may come to the window's right edge before it is put on the other side. */
const edge_px = 8;

export function caret_element({ name, color }: Person): HTMLElement {
  const caret = document.createElement("span");
  caret.className = "peer-caret is-fresh";
  caret.style.setProperty("--peer", color);
  const label = document.createElement("span");
  label.className = "peer-label";
  label.textContent = name;
  caret.append(label);
  requestAnimationFrame(() => {
    const edge = document.documentElement.clientWidth - edge_px;
    if (label.getBoundingClientRect().right > edge) caret.classList.add("is-leftward");
  });
  // Editors make a new element whenever a caret moves: its name shows then, and steps back while it rests.
  setTimeout(() => caret.classList.remove("is-fresh"), label_shown_ms);
  return caret;
}
