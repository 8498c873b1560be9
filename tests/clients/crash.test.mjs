// The promise: whatever another client had seen, or the server had acknowledged, is there after SIGKILL. Real clients
// type into several documents, the server is killed in the middle, every client is destroyed, and only then is the
// server started again and read by a client that knows nothing. OCTAVO_KILLS sets how often, OCTAVO_SEED the moments.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as Y from "yjs";
import { Editor, close_clients, read_afresh } from "./support/client.mjs";
import { chosen_seed, random_from } from "./support/random.mjs";
import { sleep, start_server, wait_for } from "./support/server.mjs";

const kills = Number(process.env.OCTAVO_KILLS ?? 25);
const seed = chosen_seed();
const documents = ["crash/one", "crash/two", "crash/three"];
const writers_per_document = 2;
const edit_interval_ms = 5;
const load_ms_min = 300;
const load_ms_max = 500;

let server;
before(async () => (server = await start_server()));
after(async () => {
  close_clients();
  await server.dispose();
});

const random = random_from(seed);

/** What is in the text of a document: one word for each edit. */
const words_of = (doc) =>
  doc
    .getText("text")
    .toString()
    .split(";")
    .filter((word) => word !== "");

/** Clients of one document; what they were promised is kept in `promised` for all rounds. */
class Room {
  constructor(name) {
    this.name = name;
    this.promised = new Set(); // words that somebody else had seen, or that were acknowledged
    this.sent = new Set();
    this.promised_maps = new Map(); // key of the map "map" → the highest value that was promised
    this.acknowledged = 0;
  }

  async open(round) {
    this.writers = [];
    for (let i = 0; i < writers_per_document; ++i) {
      this.writers.push({ editor: new Editor(server, this.name), id: `${round}.${i}`, words: [] });
    }
    this.reader = new Editor(server, this.name);
    await Promise.all([...this.writers.map(({ editor }) => editor), this.reader].map((editor) => editor.synced()));
  }

  write() {
    for (const { editor, id, words } of this.writers) {
      const word = `${this.name}-${id}-${words.length}`;
      words.push(word);
      this.sent.add(word);
      editor.doc.transact(() => {
        editor.text.insert(random(2) ? editor.text.length : 0, `${word};`);
        editor.doc.getMap("map").set(id, words.length);
        // Something to delete, so that deletes are part of what must survive.
        const scratch = editor.doc.getArray("scratch");
        if (scratch.length > 20) scratch.delete(random(10), 5);
        scratch.push([words.length]);
      });
      editor.ask_durable(words.length);
    }
  }

  /** Called when all sockets are gone: notes what the clients hold and were told, and ends them. */
  collect() {
    for (const { editor, words } of this.writers) {
      for (const word of words.slice(0, editor.durable)) this.promised.add(word);
      this.acknowledged += editor.durable;
    }
    for (const watcher of [this.reader, ...this.writers.map(({ editor }) => editor)]) {
      const own = new Set(this.writers.find(({ editor }) => editor === watcher)?.words);
      for (const word of words_of(watcher.doc)) if (!own.has(word)) this.promised.add(word);
    }
    // All that the reader holds is the work of others, deletes included.
    this.seen = Y.encodeStateAsUpdate(this.reader.doc);
    for (const [key, value] of this.reader.doc.getMap("map").entries()) this.promised_maps.set(key, value);
  }

  async verify() {
    const doc = await read_afresh(server, this.name);
    const found = words_of(doc);
    const found_set = new Set(found);
    const lost = [...this.promised].filter((word) => !found_set.has(word));
    assert.deepEqual(lost, [], `${this.name}: promised edits are gone`);
    assert.equal(found.length, found_set.size, `${this.name}: an edit is there twice`);
    assert.deepEqual(
      found.filter((word) => !this.sent.has(word)),
      [],
      `${this.name}: an edit that nobody made`,
    );
    for (const [key, value] of this.promised_maps)
      assert.ok(doc.getMap("map").get(key) >= value, `${this.name}: ${key}`);
    // Applying what the reader had seen must change nothing, in structs and in deletes.
    const before = Y.encodeSnapshot(Y.snapshot(doc));
    Y.applyUpdate(doc, this.seen);
    assert.deepEqual(
      Y.encodeSnapshot(Y.snapshot(doc)),
      before,
      `${this.name}: a struct or a delete that was seen is gone`,
    );
  }
}

test(`${kills} kills lose nothing that was shown or acknowledged`, { timeout: 60_000 + kills * 10_000 }, async (t) => {
  t.diagnostic(`OCTAVO_SEED=${seed}`);
  const rooms = documents.map((name) => new Room(name));
  let edits = 0;
  for (let round = 0; round < kills; ++round) {
    await Promise.all(rooms.map((room) => room.open(round)));
    const load_ms = load_ms_min + random(load_ms_max - load_ms_min);
    const end_ms = performance.now() + load_ms;
    while (performance.now() < end_ms) {
      for (const room of rooms) room.write();
      edits += rooms.length * writers_per_document;
      await sleep(edit_interval_ms);
    }
    await server.kill();
    const editors = rooms.flatMap(({ reader, writers }) => [reader, ...writers.map(({ editor }) => editor)]);
    await wait_for("every socket has read to its end", () => editors.every(({ provider }) => !provider.wsconnected));
    for (const room of rooms) room.collect();
    // A client that lived on would send the server what it lost: that would hide the loss.
    close_clients();
    await server.start();
    await Promise.all(rooms.map((room) => room.verify()));
  }
  const promised = rooms.reduce((sum, room) => sum + room.promised.size, 0);
  const acknowledged = rooms.reduce((sum, room) => sum + room.acknowledged, 0);
  t.diagnostic(`${edits} edits made, ${promised} of them promised, ${acknowledged} acknowledged by message 102`);
  assert.ok(promised > kills * 20 && acknowledged > kills * 20, "too little was promised for this to mean anything");
});

test("a kill while documents are being opened, and one right after another, do no harm", async () => {
  const name = "crash/opening";
  const writer = await new Editor(server, name).synced();
  writer.text.insert(0, "x".repeat(200_000));
  await writer.until_durable();
  close_clients();
  for (let i = 0; i < 5; ++i) {
    const openers = Array.from({ length: 20 }, () => new Editor(server, name));
    await sleep(random(30));
    await server.kill();
    close_clients();
    assert.equal(openers.length, 20);
    await server.start();
    await server.kill();
    await server.start();
  }
  assert.equal((await read_afresh(server, name)).getText("text").length, 200_000);
});
