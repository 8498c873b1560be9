// Knows whether the server has this page's edits on disk.
//
// y-websocket has no acknowledgements, so the page asks: message type 102 carries a number of ours, and the server
// echoes it once everything that it got from us before is durable. The number counts our local edits. One question is
// enough for a burst of them, and a question is only worth asking once the server has been sent what it lacks (our
// answer to its sync step 1): until then an echo would say nothing of the edits made offline.

import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import type { WebsocketProvider } from "y-websocket";

const message_sync = 0;
const message_saved = 102;
const ask_delay_ms = 50;

export class SavedTracker {
  private local_version_ = 0;
  private saved_version_ = 0;
  /** The server has our answer to its sync step 1 on this connection. */
  private caught_up_ = false;
  /** The server refused an edit and has not asked for what it lacks since: its echoes do not cover all of ours. */
  private refused_ = false;
  private timer_: number | undefined;

  constructor(
    private readonly provider_: WebsocketProvider,
    private readonly on_change_: (unsaved: boolean) => void,
  ) {
    provider_.doc.on("update", (_update: Uint8Array, origin: unknown) => {
      if (origin === provider_) return;
      this.local_version_ += 1;
      this.tell_();
      this.ask_soon_();
    });
    provider_.on("connection-close", () => this.reset_());
    this.listen_();
  }

  get unsaved(): boolean {
    return this.saved_version_ < this.local_version_;
  }

  /** No echo counts until the server asks for what it lacks, on this connection or the next. */
  note_refusal(): void {
    this.refused_ = true;
  }

  private listen_(): void {
    const handlers = this.provider_.messageHandlers;
    const handle_sync = handlers[message_sync];
    if (!handle_sync) throw new Error("y-websocket has no handler for sync messages");
    handlers[message_sync] = (encoder, decoder, ...rest) => {
      const is_step1 = decoding.peekVarUint(decoder) === sync.messageYjsSyncStep1;
      handle_sync(encoder, decoder, ...rest);
      // The provider sends the answer when this handler returns; a question sent later stands behind it.
      if (is_step1) {
        this.caught_up_ = true;
        this.refused_ = false;
        if (this.unsaved) this.ask_soon_();
      }
    };
    handlers[message_saved] = (_encoder, decoder) => {
      const body = decoding.createDecoder(decoding.readVarUint8Array(decoder));
      const version = decoding.readVarUint(body);
      if (this.refused_ || !this.caught_up_ || version > this.local_version_) return;
      this.saved_version_ = Math.max(this.saved_version_, version);
      this.tell_();
    };
  }

  private ask_soon_(): void {
    if (this.timer_ !== undefined || !this.caught_up_) return;
    this.timer_ = window.setTimeout(() => {
      this.timer_ = undefined;
      this.ask_();
    }, ask_delay_ms);
  }

  private ask_(): void {
    const socket = this.provider_.ws;
    if (!this.caught_up_ || !this.provider_.wsconnected || socket?.readyState !== WebSocket.OPEN) return;
    const body = encoding.createEncoder();
    encoding.writeVarUint(body, this.local_version_);
    const frame = encoding.createEncoder();
    encoding.writeVarUint(frame, message_saved);
    encoding.writeVarUint8Array(frame, encoding.toUint8Array(body));
    socket.send(encoding.toUint8Array(frame));
  }

  private reset_(): void {
    this.caught_up_ = false;
    this.refused_ = false;
    window.clearTimeout(this.timer_);
    this.timer_ = undefined;
  }

  private tell_(): void {
    this.on_change_(this.unsaved);
  }
}
