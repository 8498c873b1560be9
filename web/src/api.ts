// The node's HTTP answers that the page asks for. A `NoAnswer` is a node that cannot be reached or is not ready; a
// `Refused` is one that answered with an error, with the sentence that it gave.

export class NoAnswer extends Error {}

export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface DocumentEntry {
  readonly name: string;
  readonly seq: number;
  readonly updated_ms: number;
  /** The node found this document damaged and does not open it. */
  readonly quarantined?: boolean;
}

export interface DocumentPage {
  readonly documents: readonly DocumentEntry[];
  /** Where the next page starts, to be given back as it is. */
  readonly next: string | null;
}

export interface Access {
  readonly access: "read" | "write" | "none";
  readonly user: string | null;
  /** A token was given and is good, if perhaps for other documents. */
  readonly signed_in: boolean;
  /** Why there is no access. */
  readonly reason?: string;
}

export interface NodeInfo {
  readonly version: string;
  readonly node: string;
}

/** Where a document lives. */
export interface Place {
  readonly node: string;
  /** Null: no node has it at the moment. */
  readonly owner: string | null;
  /** Null: the node is alone. */
  readonly shard: number | null;
}

const timeout_ms = 10_000;

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(timeout_ms),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch (error) {
    throw new NoAnswer("The node cannot be reached.", { cause: error });
  }
  if (response.ok) return response;
  if (response.status >= 500) throw new NoAnswer(`The node answered with ${response.status}.`);
  throw new Refused(response.status, await reason(response));
}

async function reason(response: Response): Promise<string> {
  const text = await response.text().catch(() => "");
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "error" in parsed) {
      const { error } = parsed;
      if (typeof error === "string") return error;
      if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
    }
  } catch {
    // Not JSON: the text itself is the reason.
  }
  return text.length > 0 && text.length < 300 && !text.includes("<") ? text : `The node answered ${response.status}.`;
}

export async function list_documents(prefix: string, after: string | null, limit: number): Promise<DocumentPage> {
  const query = new URLSearchParams({ prefix, limit: String(limit) });
  if (after !== null) query.set("after", after);
  return (await ask("GET", `/api/documents?${query}`)).json() as Promise<DocumentPage>;
}

export async function get_access(name: string): Promise<Access> {
  try {
    return (await (await ask("GET", `/api/access?${new URLSearchParams({ doc: name })}`)).json()) as Access;
  } catch (error) {
    // A node that wants a token may say so by its status alone.
    if (error instanceof Refused && error.status === 401) return { access: "none", user: null, signed_in: false };
    throw error;
  }
}

export async function get_node(): Promise<NodeInfo> {
  return (await ask("GET", "/api/node")).json() as Promise<NodeInfo>;
}

export async function get_place(name: string): Promise<Place> {
  return (await ask("GET", `/api/place?${new URLSearchParams({ doc: name })}`)).json() as Promise<Place>;
}

/** The node answers with a cookie that no script can read; the token itself is kept nowhere. */
export async function sign_in(token: string): Promise<void> {
  await ask("POST", "/api/session", { token });
}

export async function sign_out(): Promise<void> {
  await ask("DELETE", "/api/session");
}
