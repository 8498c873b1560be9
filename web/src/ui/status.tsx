// What the connection is doing and whether the text is on the server's disk: a few words in the header, and a bar at the
// foot of the window when there is something to know or to do.

import { useEffect, useState } from "react";
import type { DocumentSession, SessionState, Stop } from "../document/session";
import { SignInForm } from "./sign_in_form";
import * as icon from "./icons";

/** A connection that is back within this time is not worth a bar that moves the page. */
const offline_bar_delay_ms = 1_200;

/** Nothing that was written here will be taken: a reader's token, perhaps since a moment ago. */
function is_reader(state: SessionState): boolean {
  return state.access?.access === "read";
}

function status_words(state: SessionState): { text: string; tone: "good" | "busy" | "bad" } {
  switch (state.link) {
    case "live":
      if (state.unsaved && (is_reader(state) || state.notice !== null)) return { text: "Not saved", tone: "bad" };
      if (state.unsaved) return { text: "Saving…", tone: "busy" };
      if (is_reader(state)) return { text: "Read only", tone: "good" };
      return { text: state.edited ? "Saved" : "Connected", tone: "good" };
    case "connecting":
      return { text: state.loaded ? "Reconnecting…" : "Connecting…", tone: "busy" };
    case "waiting":
      return { text: "Offline", tone: "bad" };
    case "stopped":
      return { text: "Disconnected", tone: "bad" };
  }
}

export function Status({ state }: { readonly state: SessionState }) {
  const { text, tone } = status_words(state);
  return (
    <span className={`status status-${tone}`} role="status" aria-live="polite" data-testid="status">
      <span className="status-dot" aria-hidden="true" />
      <span className="status-text">{text}</span>
    </span>
  );
}

function use_now(active: boolean): number {
  const [now_ms, set_now_ms] = useState(Date.now);
  useEffect(() => {
    if (!active) return;
    set_now_ms(Date.now());
    const timer = setInterval(() => set_now_ms(Date.now()), 250);
    return () => clearInterval(timer);
  }, [active]);
  return now_ms;
}

/** True once `condition` has held for `delay_ms`. */
function use_lasting(condition: boolean, delay_ms: number): boolean {
  const [lasting, set_lasting] = useState(false);
  useEffect(() => {
    if (!condition) {
      set_lasting(false);
      return;
    }
    const timer = setTimeout(() => set_lasting(true), delay_ms);
    return () => clearTimeout(timer);
  }, [condition, delay_ms]);
  return condition && lasting;
}

export function Bars({ session, state }: { readonly session: DocumentSession; readonly state: SessionState }) {
  const away = state.link === "waiting" || state.link === "connecting";
  const offline = use_lasting(away, offline_bar_delay_ms);
  return (
    <div className="bars">
      {offline && <OfflineBar session={session} state={state} />}
      {state.link === "stopped" && state.stop && state.loaded && (
        <div className="bar bar-bad" role="alert">
          <StopWords stop={state.stop} unsaved={state.unsaved} />
          <StopActions session={session} stop={state.stop} />
        </div>
      )}
      {state.notice !== null && (
        <div className="bar bar-bad" role="alert" data-testid="notice">
          <p>
            The server did not take an edit: {state.notice}
            {state.unsaved &&
              (is_reader(state)
                ? " It is on this page only, and you may read this document but not change it: copy what you need."
                : " It is kept on this page and will be offered again.")}
          </p>
          <button
            type="button"
            className="icon-button"
            aria-label="Hide this notice"
            onClick={() => session.dismiss_notice()}
          >
            {icon.close}
          </button>
        </div>
      )}
    </div>
  );
}

function OfflineBar({ session, state }: { readonly session: DocumentSession; readonly state: SessionState }) {
  const waiting = state.next_try_ms !== null;
  const now_ms = use_now(waiting);
  const seconds = Math.max(0, Math.ceil(((state.next_try_ms ?? now_ms) - now_ms) / 1000));
  let words = "Offline – waiting for the server.";
  if (state.loaded && is_reader(state)) {
    if (state.unsaved) {
      words = "Offline – your changes are on this page only, as you may read this document but not change it.";
    }
  } else if (state.loaded) {
    words = state.unsaved
      ? "Offline – your changes are kept on this page and will be sent."
      : "Offline – you can go on writing; changes are kept on this page and will be sent.";
  }
  return (
    <div className="bar" data-testid="offline">
      <p role="status">{words}</p>
      <span className="bar-countdown" aria-hidden="true">
        {waiting && seconds > 0 ? `Next try in ${seconds} s` : "Trying…"}
      </span>
      <button type="button" className="button button-small" disabled={!waiting} onClick={() => session.retry_now()}>
        Try now
      </button>
    </div>
  );
}

export function stop_title(stop: Stop): string {
  return {
    sign_in: "Sign-in needed",
    forbidden: "No access",
    deleted: "This document was deleted",
    refused: "The server refused this document",
  }[stop.why];
}

function because(reason: string | undefined): string {
  return reason ? ` (${reason})` : "";
}

function stop_text(stop: Stop): string {
  switch (stop.why) {
    case "sign_in":
      return `Your session has ended, or this node wants to know who you are${because(stop.reason)}.`;
    case "forbidden":
      return `You have no access to this document; another token may have${because(stop.reason)}.`;
    case "deleted":
      return "It is no longer on the server.";
    case "refused":
      return stop.reason;
  }
}

export function StopWords({ stop, unsaved }: { readonly stop: Stop; readonly unsaved: boolean }) {
  return (
    <p>
      <strong>{stop_title(stop)}.</strong> {stop_text(stop)}
      {unsaved && " Your latest changes are on this page only: keep it open."}
    </p>
  );
}

export function StopActions({ session, stop }: { readonly session: DocumentSession; readonly stop: Stop }) {
  if (stop.why === "sign_in" || stop.why === "forbidden") {
    return <SignInForm on_token={(token) => session.sign_in(token)} />;
  }
  return (
    <div className="form-row">
      {stop.why === "refused" && (
        <button type="button" className="button button-primary" onClick={() => session.reopen()}>
          Try again
        </button>
      )}
      <a className="button" href="/">
        All documents
      </a>
    </div>
  );
}
