// What the address says: the list of documents, or one document and how to edit it. Every link loads the page anew, so
// a document's connection never outlives the view of it, and the browser's own warning guards unsaved edits.

export type Kind = "rich" | "plain";

export interface Route {
  /** The document, or null for the list. */
  readonly name: string | null;
  /** Null means: look at what the document holds. */
  readonly kind: Kind | null;
  /** Tests may want the document and its editor in `window.__octavo`. */
  readonly debug: boolean;
}

const name_bytes_max = 512;

export function read_route(address: URL = new URL(location.href)): Route {
  const kind = address.searchParams.get("kind");
  return {
    name: clean_doc(address.searchParams.get("doc") ?? "") || null,
    kind: kind === "rich" || kind === "plain" ? kind : null,
    debug: address.searchParams.has("debug"),
  };
}

/** A name as the server takes it from a path: slashes at its beginning belong to the address. */
export function clean_doc(name: string): string {
  return name.replace(/^\/+/, "");
}

export function document_href(name: string, kind: Kind | null = null): string {
  return `/?doc=${encodeURIComponent(name)}${kind ? `&kind=${kind}` : ""}`;
}

/** The name as a path for a WebSocket address; `/` stays, everything with a meaning of its own is escaped. */
export function document_path(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** A sentence that says what is wrong with a name, or null. The server has the last word. */
export function name_problem(name: string): string | null {
  if (name.trim() === "") return "A document needs a name.";
  if (new TextEncoder().encode(name).length > name_bytes_max) return "This name is too long.";
  // A browser removes such segments from an address, so the name would open another document.
  if (name.split("/").some((segment) => segment === "." || segment === "..")) {
    return "“.” and “..” cannot stand between slashes.";
  }
  if (/[\u0000-\u001f\u007f]/.test(name)) return "A name holds no control characters.";
  return null;
}

/** Reads `#token=…` once and removes it from the address bar and the history. */
export function take_token(): string | null {
  const match = /^#token=(.+)$/.exec(location.hash);
  if (!match?.[1]) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}
