// How the plain-text editor looks. Rules of the page's style sheet do not reach into a shadow root, but its custom
// properties do.

import { EditorView } from "@codemirror/view";

export const plain_theme = EditorView.theme({
  "&": { flex: "1", color: "var(--ink)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    flex: "1",
    fontFamily: "var(--mono)",
    fontSize: "0.9375rem",
    lineHeight: "1.7",
    overflow: "visible",
  },
  ".cm-content": { alignSelf: "stretch", padding: "0 0 20vh", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0" },
  ".cm-placeholder": { color: "var(--ink-faint)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "1.5px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--selection)",
  },
  ".peer-caret": {
    position: "relative",
    borderLeft: "2px solid var(--peer)",
    marginLeft: "-1px",
    marginRight: "-1px",
    pointerEvents: "none",
  },
  ".peer-label": {
    position: "absolute",
    left: "-2px",
    bottom: "100%",
    padding: "0.1rem 0.4rem",
    borderRadius: "4px 4px 4px 0",
    background: "var(--peer)",
    color: "#fff",
    font: "500 0.6875rem/1.35 var(--sans)",
    whiteSpace: "nowrap",
    userSelect: "none",
    opacity: "0",
    transition: "opacity 0.3s",
    zIndex: "2",
  },
  ".peer-caret.is-fresh .peer-label": { opacity: "1" },
  ".peer-caret.is-leftward .peer-label": { right: "0", left: "auto", borderRadius: "4px 4px 0 4px" },
  ".peer-selection": {
    borderRadius: "2px",
    background:
      "light-dark(color-mix(in oklab, var(--peer) 20%, transparent), color-mix(in oklab, var(--peer) 50%, transparent))",
  },
});
