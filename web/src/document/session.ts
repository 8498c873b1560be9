// One open document of this page: the Yjs document, the stock y-websocket provider, and everything that a view wants to
// know about them as one immutable state. Created once a page load and alive until the page goes.
//
// The provider's own reconnection has no jitter and gives up for good on a close code 44xx; so it is told to stop at
// each close, and this class decides when it connects again.

import { Awareness } from "y-protocols/awareness";
import { readAuthMessage } from "y-protocols/auth";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { type Access, get_access, sign_in } from "../api";
import { document_path } from "../route";
import { Store } from "../store";
import { retry_delay_ms } from "./backoff";
import { SavedTracker } from "./saved";

/** Why a connection will not be tried again without somebody doing something. */
export type Stop =
  | { readonly why: "sign_in"; readonly reason?: string | undefined }
  | { readonly why: "forbidden"; readonly reason?: string | undefined }
  | { readonly why: "deleted" }
  | { readonly why: "refused"; readonly reason: string };

export interface SessionState {
  /** `live`: connected and in step with the server; `waiting`: offline until `next_try_ms`; `stopped`: see `stop`. */
  readonly link: "connecting" | "live" | "waiting" | "stopped";
  /** `Date.now()` of the next try while `waiting`. */
  readonly next_try_ms: number | null;
  readonly stop: Stop | null;
  /** The document's state has arrived at least once, so that there is something to edit. */
  readonly loaded: boolean;
  /** Something was written here since the page was opened. */
  readonly edited: boolean;
  readonly unsaved: boolean;
  /** The server's latest reason for refusing an edit, e.g. a full disk. */
  readonly notice: string | null;
  /** Null until the node has answered. */
  readonly access: Access | null;
}

const message_auth = 2;
const connect_timeout_ms = 15_000;
/** A server that has room again asks for what it refused. If it does not, reconnecting offers the edit once more. */
const refusal_retry_ms_min = 20_000;
const refusal_retry_ms_max = 120_000;

const close_unauthenticated = 4401;
const close_forbidden = 4403;
const close_deleted = 4404;

export class DocumentSession extends Store<SessionState> {
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly provider: WebsocketProvider;
  private readonly saved_: SavedTracker;
  private attempt_ = 0;
  private opened_ = false;
  private leaving_ = false;
  private retry_timer_: number | undefined;
  private connect_timer_: number | undefined;
  private refusal_timer_: number | undefined;
  private refusals_ = 0;
  private access_asked_ = 0;

  constructor(readonly name: string) {
    super({
      link: "connecting",
      next_try_ms: null,
      stop: null,
      loaded: false,
      edited: false,
      unsaved: false,
      notice: null,
      access: null,
    });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const base = `${scheme}://${location.host}${import.meta.env.DEV ? "/documents" : ""}`;
    this.provider = new WebsocketProvider(base, document_path(name), this.doc, {
      awareness: this.awareness,
      connect: false,
      // Tabs of one browser meet at the server like everybody else: what one tab shows of another is durable.
      disableBc: true,
    });
    this.saved_ = new SavedTracker(this.provider, (unsaved) => this.on_saved_(unsaved));
    this.provider.messageHandlers[message_auth] = (_encoder, decoder) => {
      readAuthMessage(decoder, this.doc, (_doc, reason) => this.on_refused_(reason));
    };
    this.provider.on("status", ({ status }) => {
      if (status === "connected") this.on_connected_();
    });
    this.provider.on("sync", (synced: boolean) => {
      if (synced) this.on_live_();
    });
    this.provider.on("connection-close", (event) => this.on_close_(event));

    window.addEventListener("beforeunload", (event) => {
      if (this.get().unsaved) event.preventDefault();
    });
    window.addEventListener("online", () => this.retry_now());
    // The others should not wait for a time-out to see this page go.
    window.addEventListener("pagehide", (event) => {
      if (!event.persisted) this.provider.disconnect();
    });
  }

  start(): void {
    void this.check_access_();
    this.connect_();
  }

  /** Connects at once if the session waits for its next try. */
  retry_now(): void {
    if (this.get().link === "waiting") this.connect_();
  }

  /** Signs in and, if that worked, connects anew; throws what the API threw. */
  async sign_in(token: string): Promise<void> {
    await sign_in(token);
    this.reopen();
  }

  /** Connects again after a stop, or under another user. Edits that the server lacks go out with it. */
  reopen(): void {
    this.set({ stop: null, notice: null, access: null });
    this.attempt_ = 0;
    this.leave_();
    void this.check_access_();
    this.connect_();
  }

  dismiss_notice(): void {
    this.set({ notice: null });
  }

  private connect_(): void {
    window.clearTimeout(this.retry_timer_);
    this.opened_ = false;
    this.set({ link: "connecting", next_try_ms: null });
    // A host that swallows packets would otherwise hold the browser for minutes.
    this.connect_timer_ = window.setTimeout(() => {
      if (this.provider.wsconnecting) {
        this.leave_();
        this.wait_(null);
      }
    }, connect_timeout_ms);
    this.provider.connect();
  }

  /** Closes the connection without the consequences that a lost one has. */
  private leave_(): void {
    this.leaving_ = true;
    this.provider.disconnect();
    this.leaving_ = false;
    window.clearTimeout(this.connect_timer_);
    window.clearTimeout(this.refusal_timer_);
  }

  private on_connected_(): void {
    window.clearTimeout(this.connect_timer_);
    if (this.opened_) return;
    this.opened_ = true;
    if (this.attempt_ > 0) void this.check_access_();
  }

  private on_live_(): void {
    this.attempt_ = 0;
    this.set({ link: "live", loaded: true });
  }

  private on_close_(event: CloseEvent | null): void {
    window.clearTimeout(this.connect_timer_);
    window.clearTimeout(this.refusal_timer_);
    // The provider looks at this after we return, and again when its own timer fires.
    this.provider.shouldConnect = false;
    if (this.leaving_) return;
    const code = event?.code ?? null;
    const stop = event ? stop_of(event) : null;
    if (stop) {
      this.stop_(stop);
      return;
    }
    // A handshake that is refused looks like an unreachable server; the API can tell them apart.
    if (!this.opened_) void this.check_access_();
    this.wait_(code);
  }

  private wait_(close_code: number | null): void {
    const delay_ms = retry_delay_ms(this.attempt_, close_code);
    this.attempt_ += 1;
    this.set({ link: "waiting", next_try_ms: Date.now() + delay_ms });
    window.clearTimeout(this.retry_timer_);
    this.retry_timer_ = window.setTimeout(() => this.connect_(), delay_ms);
  }

  private stop_(stop: Stop): void {
    window.clearTimeout(this.retry_timer_);
    this.set({ link: "stopped", next_try_ms: null, stop });
  }

  private async check_access_(): Promise<void> {
    const asked = ++this.access_asked_;
    let access: Access;
    try {
      access = await get_access(this.name);
    } catch {
      // Offline, or a node that has no such answer: the connection itself will tell.
      return;
    }
    // An answer from before a sign-in must not undo it.
    if (asked !== this.access_asked_) return;
    this.set({ access });
    if (access.access === "none") {
      this.leave_();
      this.stop_({ why: access.signed_in ? "forbidden" : "sign_in", reason: access.reason });
    }
  }

  private on_saved_(unsaved: boolean): void {
    if (unsaved) {
      this.set({ edited: true, unsaved });
      return;
    }
    this.refusals_ = 0;
    this.set({ unsaved, notice: null });
  }

  private on_refused_(reason: string): void {
    this.saved_.note_refusal();
    this.set({ notice: reason });
    void this.check_access_();
    if (!this.saved_.unsaved) return;
    window.clearTimeout(this.refusal_timer_);
    const limit_ms = Math.min(refusal_retry_ms_max, refusal_retry_ms_min * 2 ** this.refusals_);
    const delay_ms = limit_ms * (0.5 + Math.random() / 2);
    this.refusals_ = Math.min(this.refusals_ + 1, 8);
    this.refusal_timer_ = window.setTimeout(() => {
      if (this.get().access?.access === "read") return;
      this.leave_();
      this.connect_();
    }, delay_ms);
  }
}

function stop_of(event: CloseEvent): Stop | null {
  switch (event.code) {
    case close_unauthenticated:
      return { why: "sign_in" };
    case close_forbidden:
      return { why: "forbidden" };
    case close_deleted:
      return { why: "deleted" };
    default:
      // By y-websocket's convention 44xx is a decision that another try does not change.
      if (event.code >= 4400 && event.code < 4500) {
        return { why: "refused", reason: event.reason || `The server closed the connection with code ${event.code}.` };
      }
      return null;
  }
}
