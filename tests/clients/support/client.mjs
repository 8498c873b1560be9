// Real Yjs clients, and a bare one that says exactly what a test wants on the wire. Every client made here is known to
// `close_clients()`, which a test file calls after each test, so that no test leaves a timer or a socket to the next.

import assert from "node:assert/strict";
import { once } from "node:events";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { patience_ms, wait_for } from "./server.mjs";

/** First varuint of a frame in the y-websocket dialect. */
export const message = { sync: 0, awareness: 1, refused: 2, query_awareness: 3, durable: 102 };
/** Second varuint of a sync frame. */
export const sync = { step1: 0, step2: 1, update: 2 };

const open_things = new Set();

/** Ends every client that was made since the last call; the server sees their sockets go. */
export function close_clients() {
  for (const thing of open_things) thing.close();
  open_things.clear();
}

let name_count = 0;
/** A document name that no other test uses. */
export const fresh_name = (stem = "doc") => `${stem}-${process.pid}-${++name_count}`;

/** A y-websocket provider and its document. */
export class Editor {
  constructor(server, name, { doc = new Y.Doc(), params = {}, awareness, connect = true, headers } = {}) {
    this.doc = doc;
    // A browser cannot set headers, but a test stands in for all that a browser or a proxy adds.
    const socket_class = headers
      ? class extends WebSocket {
          constructor(url, protocols) {
            super(url, protocols, { headers });
          }
        }
      : WebSocket;
    this.provider = new WebsocketProvider(server.ws_url, name, doc, {
      WebSocketPolyfill: socket_class,
      disableBc: true, // otherwise clients in one process would find each other without any server
      params,
      connect,
      maxBackoffTime: 500,
      ...(awareness ? { awareness } : {}),
    });
    this.close_events = [];
    this.times_lost = 0; // an open connection: attempts in vain do not count
    this.provider.on("status", ({ status }) => status === "disconnected" && ++this.times_lost);
    this.refusals = [];
    this.durable = 0;
    this.provider.on("connection-close", (event) => event && this.close_events.push(event.code));
    this.provider.messageHandlers[message.refused] = (_encoder, decoder) => {
      decoding.readVarUint(decoder);
      this.refusals.push(decoding.readVarString(decoder));
    };
    this.provider.messageHandlers[message.durable] = (_encoder, decoder) => {
      const body = decoding.createDecoder(decoding.readVarUint8Array(decoder));
      this.durable = Math.max(this.durable, decoding.readVarUint(body));
    };
    open_things.add(this);
  }

  get text() {
    return this.doc.getText("text");
  }
  get awareness() {
    return this.provider.awareness;
  }
  /** The awareness states of others, by client id. */
  others() {
    const states = new Map(this.awareness.getStates());
    states.delete(this.doc.clientID);
    return states;
  }

  async synced(timeout_ms = patience_ms) {
    await wait_for("the client is synchronized", () => this.provider.synced, timeout_ms);
    return this;
  }

  /** Asks the server to tell when all that was sent so far is durable; `this.durable` then reaches `number`. */
  ask_durable(number) {
    this.provider.ws?.send(make_durable(number));
  }
  async until_durable(number = this.durable + 1, timeout_ms = patience_ms) {
    this.ask_durable(number);
    await wait_for(`edit ${number} is durable`, () => this.durable >= number, timeout_ms);
  }

  /** The network fails: no close frame, no word. The provider will try again. */
  drop() {
    this.provider.ws?.terminate();
  }

  close() {
    open_things.delete(this);
    const socket = this.provider.ws;
    this.provider.destroy();
    // It has said goodbye; a server that is gone or stuck does not answer, and the test shall not wait for it.
    if (socket) setTimeout(() => socket.terminate(), 300);
    this.provider.awareness.destroy();
    this.doc.destroy();
  }
}

export async function open_editor(server, name, options) {
  return new Editor(server, name, options).synced();
}

/** Waits until all of these documents hold the same, and returns the text of the first. */
export async function converge(editors, timeout_ms = patience_ms) {
  // A snapshot is the state vector and all deletes.
  const fingerprint = ({ doc }) => Buffer.from(Y.encodeSnapshot(Y.snapshot(doc))).toString("base64");
  await wait_for(
    "all clients hold the same",
    () =>
      new Set(editors.map(fingerprint)).size === 1 && new Set(editors.map(({ text }) => text.toString())).size === 1,
    timeout_ms,
  );
  return editors[0].text.toString();
}

/** A document as a client sees it that has never been here before. */
export async function read_afresh(server, name, { timeout_ms = patience_ms, ...options } = {}) {
  const reader = new Editor(server, name, options);
  try {
    await reader.synced(timeout_ms);
    const copy = new Y.Doc();
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(reader.doc));
    return copy;
  } finally {
    reader.close();
  }
}

// --- frames ------------------------------------------------------------------------------------------------------

export function make_frame(write) {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
}

export const make_sync = (step, body) =>
  make_frame((encoder) => {
    encoding.writeVarUint(encoder, message.sync);
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, body);
  });

export const make_durable = (number) =>
  make_frame((encoder) => {
    encoding.writeVarUint(encoder, message.durable);
    encoding.writeVarUint8Array(
      encoder,
      make_frame((body) => encoding.writeVarUint(body, number)),
    );
  });

/** states: [client, clock, state or null or already encoded JSON as a string][] */
export const make_awareness = (states) =>
  make_frame((encoder) => {
    encoding.writeVarUint(encoder, message.awareness);
    encoding.writeVarUint8Array(
      encoder,
      make_frame((body) => {
        encoding.writeVarUint(body, states.length);
        for (const [client, clock, state] of states) {
          encoding.writeVarUint(body, client);
          encoding.writeVarUint(body, clock);
          encoding.writeVarString(body, typeof state === "string" ? state : JSON.stringify(state));
        }
      }),
    );
  });

/** What a frame from the server says, taken apart. */
export function read_frame(data) {
  const decoder = decoding.createDecoder(data);
  const type = decoding.readVarUint(decoder);
  switch (type) {
    case message.sync:
      return { type, step: decoding.readVarUint(decoder), body: decoding.readVarUint8Array(decoder) };
    case message.awareness: {
      const body = decoding.createDecoder(decoding.readVarUint8Array(decoder));
      const states = [];
      for (let count = decoding.readVarUint(body); count > 0; --count) {
        const client = decoding.readVarUint(body);
        const clock = decoding.readVarUint(body);
        states.push({ client, clock, state: JSON.parse(decoding.readVarString(body)) });
      }
      return { type, states };
    }
    case message.refused:
      return { type, kind: decoding.readVarUint(decoder), reason: decoding.readVarString(decoder) };
    case message.durable: {
      const body = decoding.readVarUint8Array(decoder);
      return { type, body, number: body.length > 0 ? decoding.readVarUint(decoding.createDecoder(body)) : undefined };
    }
    default:
      return { type };
  }
}

/** The header of a binary frame of so many bytes; its mask is all zeros. */
export function frame_header(bytes) {
  const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeBigUInt64BE(BigInt(bytes), 2);
  return header;
}

/** A socket without a provider: says what it is told to say and keeps what it hears. */
export class BareClient {
  constructor(server, path, { headers, origin, keep = true, ...options } = {}) {
    this.frames = [];
    this.bytes_received = 0;
    this.closed = undefined;
    this.socket = new WebSocket(`${server.ws_url}/${path}`, { headers, origin, ...options });
    this.socket.binaryType = "nodebuffer";
    this.socket.on("message", (data) => {
      this.bytes_received += data.length;
      if (keep) this.frames.push(read_frame(new Uint8Array(data)));
    });
    this.socket.on("error", () => {}); // its close event, or opened() below, tells
    this.socket.on("close", (code) => (this.closed = code));
    open_things.add(this);
  }

  async opened() {
    await new Promise((done, fail) => {
      this.socket.once("open", done);
      this.socket.once("unexpected-response", (_request, response) => {
        response.resume();
        fail(Object.assign(new Error(`the server answered ${response.statusCode}`), { status: response.statusCode }));
      });
      this.socket.once("error", fail);
    });
    return this;
  }

  send(data) {
    this.socket.send(data);
  }
  async sent() {
    await wait_for("all is written", () => this.socket.bufferedAmount === 0);
  }

  /** The close code, once the connection is gone. */
  async until_closed(timeout_ms = 10_000) {
    if (this.closed === undefined) await once(this.socket, "close", { signal: AbortSignal.timeout(timeout_ms) });
    return this.closed;
  }

  /** Waits for a frame for which `matches` holds, among those that came already and those to come. */
  async until_frame(what, matches, timeout_ms = 10_000) {
    return wait_for(what, () => this.frames.find(matches), timeout_ms);
  }

  /** Sends Step1 of an empty document and returns the document that comes back. */
  async sync(timeout_ms = patience_ms) {
    const doc = new Y.Doc();
    this.send(make_sync(sync.step1, Y.encodeStateVector(doc)));
    await this.until_frame("a Step2", ({ type, step }) => type === message.sync && step === sync.step2, timeout_ms);
    for (const { type, step, body } of this.frames) {
      if (type === message.sync && step !== sync.step1) Y.applyUpdate(doc, body);
    }
    return doc;
  }

  close() {
    open_things.delete(this);
    this.socket.terminate();
  }
}

export const open_bare = (server, path, options) => new BareClient(server, path, options).opened();

/** The HTTP status with which the server refuses an upgrade; fails when it does not refuse. */
export async function refused_status(server, path, options) {
  const client = new BareClient(server, path, options);
  try {
    await client.opened();
  } catch (error) {
    if (error.status !== undefined) return error.status;
    throw error;
  } finally {
    client.close();
  }
  return assert.fail(`${path} was accepted`);
}

/** One update that types `text` at the end of the shared text "text" of `doc`. */
export function typed(doc, text) {
  const before = Y.encodeStateVector(doc);
  doc.getText("text").insert(doc.getText("text").length, text);
  return Y.encodeStateAsUpdate(doc, before);
}
