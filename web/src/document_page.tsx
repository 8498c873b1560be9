// One document: header, bars, editor, footer. The session exists before this view and outlives its re-drawings.

import { Suspense, lazy, useCallback, useEffect, useRef, useState } from "react";
import * as Y from "yjs";
import { People, clean_name, free_color, name_was_chosen, set_me, use_people } from "./document/people";
import type { DocumentSession, SessionState } from "./document/session";
import type { Kind, Route } from "./route";
import { use_store } from "./store";
import { Footer } from "./ui/footer";
import * as icon from "./ui/icons";
import { PeopleList } from "./ui/people_list";
import { ShareButton } from "./ui/share_button";
import { Bars, Status, StopActions, StopWords, stop_title } from "./ui/status";
import { ThemeButton } from "./ui/theme_button";

const RichEditor = lazy(() => import("./editors/rich_editor"));
const PlainEditor = lazy(() => import("./editors/plain_editor"));

const count_delay_ms = 400;

/** An address without a kind opens what the document holds; an empty one is rich text. */
function kind_of(route: Route, doc: Y.Doc): Kind {
  if (route.kind) return route.kind;
  return doc.getText("text").length > 0 && doc.getXmlFragment("default").length === 0 ? "plain" : "rich";
}

function may_edit(state: SessionState): boolean {
  if (state.access?.access === "read") return false;
  // Nobody will ever take what is typed into a deleted or forbidden document; a session that ended can be renewed.
  return state.stop === null || state.stop.why === "sign_in";
}

interface Props {
  readonly route: Route;
  readonly session: DocumentSession;
  readonly people: People;
}

export function DocumentPage({ route, session, people }: Props) {
  const state = use_store(session);
  const present = use_people(people);
  const [kind, set_kind] = useState<Kind | null>(null);
  const [words, on_text] = use_word_count();
  const editable = may_edit(state);

  useEffect(() => {
    document.title = `${session.name} · octavo`;
  }, [session]);

  useEffect(() => {
    if (!state.loaded || kind !== null) return;
    set_kind(kind_of(route, session.doc));
    set_me(session.awareness, { color: free_color(session.awareness) });
  }, [state.loaded, kind, route, session]);

  const user = state.access?.user ?? null;
  useEffect(() => {
    if (user !== null && clean_name(user) !== "" && !name_was_chosen()) {
      set_me(session.awareness, { name: clean_name(user) });
    }
  }, [user, session]);

  return (
    <div className="page">
      <header className="header">
        <a className="home-link" href="/" aria-label="All documents" title="All documents">
          {icon.mark}
        </a>
        <h1 className="document-name" title={session.name}>
          {session.name}
        </h1>
        <Status state={state} />
        <div className="header-end">
          <PeopleList
            people={present}
            awareness={session.awareness}
            user={user}
            signed_in={state.access?.signed_in ?? false}
          />
          <ShareButton name={session.name} kind={kind} />
          <ThemeButton />
        </div>
      </header>
      <Bars session={session} state={state} />
      <main className="document">
        {state.loaded && state.access?.access === "read" && (
          <p className="read-only-note" data-testid="read-only">
            You can read this document, not change it.
          </p>
        )}
        {state.loaded && kind !== null ? (
          <Suspense fallback={<Opening />}>
            {kind === "rich" ? (
              <RichEditor session={session} editable={editable} on_text={on_text} />
            ) : (
              <PlainEditor session={session} editable={editable} on_text={on_text} />
            )}
          </Suspense>
        ) : (
          !state.loaded && <NotLoaded session={session} state={state} />
        )}
      </main>
      <Footer document_name={session.name}>{state.loaded && (words === 1 ? "1 word" : `${words} words`)}</Footer>
    </div>
  );
}

function Opening() {
  return (
    <div className="opening" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}

function NotLoaded({ session, state }: { readonly session: DocumentSession; readonly state: SessionState }) {
  const { stop } = state;
  if (!stop) return <Opening />;
  return (
    <section className="card" aria-label={stop_title(stop)}>
      <StopWords stop={stop} unsaved={false} />
      <StopActions session={session} stop={stop} />
    </section>
  );
}

/** Counts the text a while after it changed, and not on each key, which would be felt in a long one. */
function use_word_count(): [number, (read_text: () => string) => void] {
  const [words, set_words] = useState(0);
  const newest = useRef<(() => string) | undefined>(undefined);
  const on_text = useCallback((read_text: () => string) => {
    // Where somebody always writes there would be no pause to wait for.
    if (newest.current === undefined)
      window.setTimeout(() => {
        const read = newest.current;
        newest.current = undefined;
        set_words(read?.().match(/\S+/g)?.length ?? 0);
      }, count_delay_ms);
    newest.current = read_text;
  }, []);
  return [words, on_text];
}
