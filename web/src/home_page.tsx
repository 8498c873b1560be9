// The list of documents, and the field that opens or creates one.

import { type FormEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import { type DocumentEntry, Refused, list_documents, sign_in } from "./api";
import { clean_doc, document_href, type Kind, name_problem } from "./route";
import { may_take_focus } from "./ui/focus";
import { Footer } from "./ui/footer";
import * as icon from "./ui/icons";
import { SignInForm } from "./ui/sign_in_form";
import { ThemeButton } from "./ui/theme_button";

const page_size = 50;
/** As many as the node hands out at once. */
const page_size_max = 500;
const filter_delay_ms = 200;
/** Shorter lists are read faster than filtered. */
const filter_shown_from = 8;

type Listing =
  | { readonly is: "loading" }
  | {
      readonly is: "there";
      readonly documents: readonly DocumentEntry[];
      readonly next: string | null;
      /** Why the list could not be brought up to date, or gone on with. */
      readonly problem?: string;
    }
  | { readonly is: "sign_in" }
  | { readonly is: "failed"; readonly reason: string };

export function HomePage() {
  useEffect(() => {
    document.title = "octavo";
  }, []);
  return (
    <div className="page">
      <header className="header">
        <a className="home-link wordmark" href="/">
          {icon.mark}
          octavo
        </a>
        <div className="header-end">
          <ThemeButton />
        </div>
      </header>
      <main className="home">
        <OpenForm />
        <DocumentList />
      </main>
      <Footer />
    </div>
  );
}

function new_name(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const random = crypto.getRandomValues(new Uint8Array(6));
  return `untitled-${[...random].map((byte) => letters[byte % letters.length]).join("")}`;
}

function OpenForm() {
  const [name, set_name] = useState("");
  const [kind, set_kind] = useState<Kind>("rich");
  const [problem, set_problem] = useState<string | null>(null);
  const problem_id = useId();

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wanted = clean_doc(name.trim()) || new_name();
    const found = name_problem(wanted);
    set_problem(found);
    if (!found) location.assign(document_href(wanted, kind));
  };

  return (
    <form className="open-form" onSubmit={submit}>
      <h1>Write together</h1>
      <div className="open-row">
        <input
          type="text"
          className="open-name"
          aria-label="Name of the document to open or create"
          placeholder="Name a document"
          value={name}
          autoFocus={may_take_focus()}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          aria-invalid={problem !== null}
          aria-describedby={problem ? problem_id : undefined}
          onChange={(event) => {
            set_name(event.target.value);
            set_problem(null);
          }}
        />
        <button type="submit" className="button button-primary open-button">
          {name.trim() === "" ? "New document" : "Open"}
        </button>
      </div>
      {problem && (
        <p className="form-problem" role="alert" id={problem_id}>
          {problem}
        </p>
      )}
      <fieldset className="kinds">
        <legend className="visually-hidden">Kind of document</legend>
        <KindChoice kind="rich" label="Rich text" face={icon.rich} chosen={kind} on_choose={set_kind} />
        <KindChoice kind="plain" label="Plain text" face={icon.plain} chosen={kind} on_choose={set_kind} />
      </fieldset>
    </form>
  );
}

interface KindChoiceProps {
  readonly kind: Kind;
  readonly label: string;
  readonly face: React.ReactNode;
  readonly chosen: Kind;
  readonly on_choose: (kind: Kind) => void;
}

function KindChoice({ kind, label, face, chosen, on_choose }: KindChoiceProps) {
  return (
    <label className="kind">
      <input type="radio" name="kind" value={kind} checked={chosen === kind} onChange={() => on_choose(kind)} />
      {face}
      {label}
    </label>
  );
}

function DocumentList() {
  const [listing, set_listing] = useState<Listing>({ is: "loading" });
  const [prefix, set_prefix] = useState("");
  const [filtering, set_filtering] = useState(false);
  // Answers may come in another order than the questions went out; only the latest counts.
  const asked = useRef(0);

  const shown = useRef(0);

  const load = useCallback(async (wanted_prefix: string, wanted = page_size): Promise<void> => {
    const ticket = ++asked.current;
    const result = await read_listing(wanted_prefix, null, wanted);
    if (ticket === asked.current) set_listing((before) => keep_shown(before, result));
  }, []);

  useEffect(() => {
    const timer = setTimeout(() => void load(prefix), prefix === "" ? 0 : filter_delay_ms);
    return () => clearTimeout(timer);
  }, [load, prefix]);

  useEffect(() => {
    const refresh = (): void => {
      // As much as there was, so that nothing moves under the eyes of whoever comes back.
      if (document.visibilityState === "visible") void load(prefix, Math.max(page_size, shown.current));
    };
    document.addEventListener("visibilitychange", refresh);
    return () => document.removeEventListener("visibilitychange", refresh);
  }, [load, prefix]);

  useEffect(() => {
    shown.current = listing.is === "there" ? listing.documents.length : 0;
    if (shown.current >= filter_shown_from) set_filtering(true);
  }, [listing]);

  const more = async (): Promise<void> => {
    if (listing.is !== "there" || listing.next === null) return;
    const ticket = ++asked.current;
    const result = await read_listing(prefix, listing.next, page_size);
    if (ticket !== asked.current) return;
    if (result.is === "there") set_listing({ ...result, documents: [...listing.documents, ...result.documents] });
    else set_listing(keep_shown(listing, result));
  };

  return (
    <section className="list" aria-labelledby="list-title">
      <div className="list-head">
        <h2 id="list-title">Documents</h2>
        {filtering && (
          <label className="filter">
            {icon.search}
            <input
              type="search"
              aria-label="Show names that begin with"
              placeholder="Begins with…"
              value={prefix}
              onChange={(event) => set_prefix(event.target.value)}
            />
          </label>
        )}
      </div>
      <ListBody
        listing={listing}
        prefix={prefix}
        on_retry={() => void load(prefix)}
        on_more={() => void more()}
        on_token={async (token) => {
          await sign_in(token);
          await load(prefix);
        }}
      />
    </section>
  );
}

/** A list that is there stays when it cannot be read again; what went wrong is told below it. */
function keep_shown(before: Listing, now: Listing): Listing {
  return before.is === "there" && now.is === "failed" ? { ...before, problem: now.reason } : now;
}

async function read_listing(prefix: string, after: string | null, wanted: number): Promise<Listing> {
  try {
    const documents: DocumentEntry[] = [];
    let next = after;
    do {
      const page = await list_documents(prefix, next, Math.min(wanted - documents.length, page_size_max));
      documents.push(...page.documents);
      next = page.documents.length > 0 ? page.next : null;
    } while (next !== null && documents.length < wanted);
    return { is: "there", documents, next };
  } catch (error) {
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) return { is: "sign_in" };
    return { is: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

interface ListBodyProps {
  readonly listing: Listing;
  readonly prefix: string;
  readonly on_retry: () => void;
  readonly on_more: () => void;
  readonly on_token: (token: string) => Promise<void>;
}

function ListBody({ listing, prefix, on_retry, on_more, on_token }: ListBodyProps) {
  switch (listing.is) {
    case "loading":
      return <p className="list-note">Loading…</p>;
    case "sign_in":
      return (
        <div className="card">
          <p>
            <strong>Sign-in needed.</strong> With a token you see the documents that it is for. A document that you have a
            link to can be opened with its own token.
          </p>
          <SignInForm on_token={on_token} />
        </div>
      );
    case "failed":
      return (
        <div className="list-note" role="alert">
          <p>{listing.reason}</p>
          <button type="button" className="button" onClick={on_retry}>
            Try again
          </button>
        </div>
      );
    case "there":
      if (listing.documents.length === 0 && listing.next === null) {
        return (
          <p className="list-note">
            {prefix === "" ? "Nothing here yet. Name a document above and begin." : `No name begins with “${prefix}”.`}
          </p>
        );
      }
      return (
        <>
          <ul className="entries">
            {listing.documents.map((entry) => (
              <li key={entry.name}>
                <a className="entry" href={document_href(entry.name)}>
                  <span className="entry-icon">{icon.page}</span>
                  <span className="entry-name">{entry.name}</span>
                  <time
                    className="entry-time"
                    dateTime={new Date(entry.updated_ms).toISOString()}
                    title={new Date(entry.updated_ms).toLocaleString()}
                  >
                    {ago(entry.updated_ms)}
                  </time>
                  {entry.quarantined && <span className="entry-damaged">Damaged</span>}
                </a>
              </li>
            ))}
          </ul>
          {listing.problem !== undefined && (
            <p className="list-note" role="alert">
              {listing.problem} This list may be out of date.
            </p>
          )}
          {listing.next !== null && (
            <button type="button" className="button list-more" onClick={on_more}>
              Show more
            </button>
          )}
        </>
      );
  }
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function ago(time_ms: number): string {
  const seconds = Math.round((time_ms - Date.now()) / 1000);
  if (seconds > -45) return "just now";
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["minute", 60],
    ["hour", 3600],
    ["day", 86400],
    ["month", 2629800],
    ["year", 31557600],
  ];
  let [unit, length] = steps[0] as [Intl.RelativeTimeFormatUnit, number];
  for (const step of steps) {
    if (-seconds >= step[1] * 0.9) [unit, length] = step;
  }
  return relative.format(Math.round(seconds / length), unit);
}
