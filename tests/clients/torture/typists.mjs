// People who type into documents while the cluster is hurt, and what they were promised: a word is promised once the
// server has said that it is durable, or once anybody but its author has seen it. Those who stay bring back what a
// cluster forgot, at their next connection; so everybody in a room leaves now and then, and whoever comes afterwards
// knows nothing.

import { EventEmitter } from "node:events";
import * as decoding from "lib0/decoding";
import { Editor, converge, message, read_afresh, sync } from "../support/client.mjs";
import { lacking } from "../support/rooms.mjs";
import { sleep, wait_for } from "../support/server.mjs";
import { awake_ms } from "./awake.mjs";
import { make_word, verdict, words_in } from "./verdict.mjs";

EventEmitter.defaultMaxListeners = 0; // each provider listens for the process to end

const pause_ms_min = 60;
const pause_ms_max = 260;

let typist_count = 0;

/** One editor on one node, that types one word after another and knows which of them are durable. */
class Typist {
  constructor(room, node) {
    this.number = ++typist_count;
    this.room = room;
    this.words = [];
    this.acknowledged = 0; // so many of its words, from the first on
    this.asked = new Map(); // question → how many words it was about
    this.editor = new Editor(node, room.name);
    const { provider } = this.editor;
    const on_sync = provider.messageHandlers[message.sync];
    provider.messageHandlers[message.sync] = (encoder, decoder, ...rest) => {
      const is_question = decoding.peekVarUint(decoder) === sync.step1;
      on_sync(encoder, decoder, ...rest);
      // The provider sends the answer, all that the server lacked, before anything else happens here.
      if (is_question) this.offered_on = provider.ws;
    };
    provider.messageHandlers[message.durable] = (_encoder, decoder) => {
      const body = decoding.createDecoder(decoding.readVarUint8Array(decoder));
      this.heard(decoding.readVarUint(body));
    };
    provider.on("connection-close", () => this.asked.clear());
    // It may be shown an older state for a moment (by an owner that does not know yet that it is one no more): counted.
    const promised = [...room.promised];
    provider.once("sync", () => {
      const there = words_in(this.editor.text.toString());
      if (promised.some((word) => !there.has(word))) room.late_reads += 1;
    });
  }

  type() {
    this.room.waiting_since_ms ??= awake_ms();
    const word = make_word(this.number, this.words.length);
    this.words.push(word);
    this.room.typed.add(word);
    const { text, doc } = this.editor;
    doc.transact(() => {
      text.insert(Math.random() < 0.5 ? 0 : text.length, word);
      // What is overwritten is a delete, so that deletes are part of what must be the same everywhere.
      doc.getMap("at").set(`typist ${this.number % 8}`, word);
    });
    this.ask();
  }

  /** An answer is about what was sent on its own socket: until the server was offered all, that need not be all. */
  ask() {
    const { provider } = this.editor;
    if (!provider.wsconnected || this.offered_on !== provider.ws) return;
    const question = (this.last_question = (this.last_question ?? 0) + 1);
    this.asked.set(question, this.words.length);
    this.editor.ask_durable(question);
  }

  heard(question) {
    const about = this.asked.get(question) ?? 0;
    for (const asked of this.asked.keys()) if (asked <= question) this.asked.delete(asked);
    if (about <= this.acknowledged) return;
    for (const word of this.words.slice(this.acknowledged, about)) this.room.promised.add(word);
    this.room.acknowledged += about - this.acknowledged;
    this.acknowledged = about;
    this.room.note_acknowledgement();
  }

  /** Everything that it typed is acknowledged. */
  get is_done() {
    return this.acknowledged === this.words.length;
  }

  /** Words of others that it shows. */
  seen() {
    const own = new Set(this.words);
    return [...words_in(this.editor.text.toString()).keys()].filter((word) => !own.has(word));
  }
}

/** One document, with one typist on each node. */
class Room {
  constructor(name, nodes) {
    this.name = name;
    this.nodes = nodes;
    this.typed = new Set();
    this.promised = new Set();
    this.acknowledged = 0;
    this.late_reads = 0;
    this.is_paused = false;
    this.typists = [];
    this.longest_ms = 0;
    this.waiting_since_ms = undefined;
  }

  enter() {
    this.typists = this.nodes.map((node) => new Typist(this, node));
  }

  /** All clients of the document are gone at once; what they were promised by then must be there for those to come. */
  leave() {
    for (const one of this.typists) for (const word of one.seen()) this.promised.add(word);
    for (const one of this.typists) one.editor.close();
    this.typists = [];
  }

  note_acknowledgement() {
    const now_ms = awake_ms();
    if (this.waiting_since_ms !== undefined) this.longest_ms = Math.max(this.longest_ms, now_ms - this.waiting_since_ms);
    this.waiting_since_ms = this.is_paused ? undefined : now_ms;
  }

  /** Nobody types. Once something is acknowledged the document lives; what others wait for yet is their own node's healing. */
  pause() {
    this.is_paused = true;
    if (this.typists.some((one) => one.is_done)) this.waiting_since_ms = undefined;
  }
  resume() {
    this.is_paused = false;
    this.waiting_since_ms = undefined;
  }

  /** All clients come to hold the same, with everything that was promised and all that those who are here typed. */
  async agree(timeout_ms) {
    const editors = this.typists.map(({ editor }) => editor);
    const deadline_ms = performance.now() + timeout_ms;
    const left_ms = () => Math.max(1, deadline_ms - performance.now());
    let problems = [];
    try {
      await wait_for(`${this.name}: everybody is connected`, () => editors.every(({ provider }) => provider.synced), left_ms());
      await wait_for(
        `${this.name}: nothing is missing`,
        async () => {
          const text = await converge(editors, left_ms());
          problems = verdict(this, text);
          // What everybody shows has been seen by others than its author.
          if (problems.length === 0) for (const word of words_in(text).keys()) this.promised.add(word);
          return problems.length === 0;
        },
        left_ms(),
      );
      await wait_for(`${this.name}: all is acknowledged`, () => this.typists.every((one) => one.is_done), left_ms());
    } catch (error) {
      error.message = [`${this.name}: ${error.message}`, ...problems, ...editors.map((one) => lacking(one, [...this.promised]))].join("\n");
      throw error;
    }
  }
}

export class Typists {
  /** `names`: of documents, a room each. */
  constructor(nodes, names) {
    this.nodes = nodes;
    this.rooms = names.map((name) => new Room(name, nodes));
    this.old_rooms = [];
    for (const room of this.rooms) room.enter();
  }

  /** Types until stop(). */
  start() {
    this.typing_ = this.rooms.map((_, at) => this.type_(at));
  }
  async stop() {
    this.is_stopped = true;
    await Promise.all(this.typing_ ?? []);
  }
  async type_(at) {
    while (!this.is_stopped) {
      const room = this.rooms[at];
      for (const one of room.typists)
        if (!room.is_paused) one.type();
        else if (!one.is_done) one.ask();
      await sleep(pause_ms_min + Math.random() * (pause_ms_max - pause_ms_min));
    }
  }

  /** In these rooms everybody leaves, and others come who know nothing of the document. */
  replace(which) {
    for (const at of which) {
      this.rooms[at].leave();
      this.rooms[at].enter();
    }
  }

  /** Everybody stops, all documents agree, and everybody goes on. Returns how long it took. */
  async agree(timeout_ms) {
    const started_ms = performance.now();
    for (const room of this.rooms) room.pause();
    await Promise.all(this.rooms.map((room) => room.agree(timeout_ms)));
    const took_ms = performance.now() - started_ms;
    for (const room of this.rooms) room.resume();
    return took_ms;
  }

  /** Documents that nobody opens any more, in whose place new ones come: what they hold is looked at in the end. */
  renew(names) {
    for (const [at, room] of this.rooms.entries()) {
      room.leave();
      this.old_rooms.push(room);
      this.rooms[at] = new Room(names[at], this.nodes);
      this.rooms[at].enter();
    }
  }

  /** The longest time without an acknowledgement in any document since the last call, also one that lasts. */
  take_longest_ms() {
    let longest_ms = 0;
    for (const room of this.rooms) {
      const lasts_ms = room.waiting_since_ms === undefined ? 0 : awake_ms() - room.waiting_since_ms;
      longest_ms = Math.max(longest_ms, room.longest_ms, lasts_ms);
      room.longest_ms = 0;
    }
    return longest_ms;
  }

  get all_rooms() {
    return [...this.old_rooms, ...this.rooms];
  }
  get acknowledged() {
    return this.all_rooms.reduce((sum, room) => sum + room.acknowledged, 0);
  }

  get late_reads() {
    return this.all_rooms.reduce((sum, room) => sum + room.late_reads, 0);
  }

  /** What a client that was never here finds on `node`, for all documents there ever were. */
  async problems_afresh(node, timeout_ms) {
    const problems = [];
    for (const room of this.all_rooms) {
      const doc = await read_afresh(node, room.name, { timeout_ms });
      for (const one of verdict(room, doc.getText("text").toString())) problems.push(`${room.name}: ${one}`);
    }
    return problems;
  }
}
