// `window.__octavo`, for tests: only when the address asks for it, as it hands the document to every script.

import { read_route } from "../route";

interface Exposed {
  [name: string]: unknown;
}

declare global {
  interface Window {
    __octavo?: Exposed;
  }
}

export function expose(things: Exposed): void {
  if (read_route().debug) window.__octavo = { ...window.__octavo, ...things };
}
