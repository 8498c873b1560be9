// Many clients at once, and one that does not read: memory stays bounded, and nobody misses anything.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import WebSocket from "ws";
import * as Y from "yjs";
import {
  BareClient,
  close_clients,
  fresh_name,
  make_sync,
  message,
  open_bare,
  open_editor,
  sync,
} from "./support/client.mjs";
import { metric } from "./support/documents.mjs";
import { resident_bytes, sleep, start_server, wait_for } from "./support/server.mjs";

const idle_wanted = 10_000;
// Node's own files and sockets, and those of the server that it shares the limit's value with.
const descriptors_spare = 500;
const bytes_per_idle_connection_max = Number(process.env.OCTAVO_IDLE_BYTES_MAX ?? 64 << 10);
const memory_growth_max = Number(process.env.OCTAVO_MEMORY_GROWTH_MAX ?? 192 << 20);

let server;
before(async () => (server = await start_server()));
after(() => server.dispose());
afterEach(close_clients);

const descriptors_max = (pid) => {
  const value = /Max open files\s+(\S+)/.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))[1];
  return value === "unlimited" ? Infinity : Number(value);
};

test(`${idle_wanted} idle connections`, { timeout: 180_000 }, async (t) => {
  const allowed = Math.min(descriptors_max("self"), descriptors_max(server.pid)) - descriptors_spare;
  const count = Math.min(idle_wanted, allowed);
  if (count < 1_000) return t.skip(`only ${allowed} file descriptors are allowed; raise them with ulimit -n`);
  if (count < idle_wanted) t.diagnostic(`only ${count} connections: ulimit -n allows no more`);

  const stem = fresh_name("idle");
  const per_document = 10;
  const memory_before = resident_bytes(server.pid);
  const sockets = [];
  let synced = 0;
  let closed = 0;
  const open_one = (index) =>
    new Promise((done, fail) => {
      const socket = new WebSocket(`${server.ws_url}/${stem}-${Math.floor(index / per_document)}`, {
        perMessageDeflate: false,
      });
      sockets.push(socket);
      socket.on("open", () => socket.send(make_sync(sync.step1, new Uint8Array([0]))));
      socket.on("message", (data) => {
        if (data[0] === message.sync && data[1] === sync.step2) {
          ++synced;
          done();
        }
      });
      socket.on("error", fail);
      socket.on("close", () => ++closed);
    });
  try {
    let next = 0;
    const lane = async () => {
      while (next < count) await open_one(next++);
    };
    const start_ms = performance.now();
    await Promise.all(Array.from({ length: 100 }, lane));
    t.diagnostic(`${count} connections in ${Math.round(performance.now() - start_ms)} ms`);
    assert.equal(synced, count);
    await sleep(1_000);
    const each = (resident_bytes(server.pid) - memory_before) / count;
    t.diagnostic(`${Math.round(each)} bytes each`);
    assert.ok(each < bytes_per_idle_connection_max, `an idle connection takes ${each} bytes`);
    assert.equal(closed, 0);

    // Among all these somebody types, and those beside read it.
    const [anna, ben] = [await open_editor(server, `${stem}-0`), await open_editor(server, `${stem}-0`)];
    anna.text.insert(0, "hello");
    await wait_for("the edit arrives", () => ben.text.length === 5);
    assert.equal(closed, 0);
  } finally {
    for (const socket of sockets) socket.on("error", () => {}).terminate();
  }
  close_clients();
  await wait_for(
    "the server has noticed that all are gone",
    async () => (await metric(server, "octavo_connections")) <= 1,
    30_000,
  );
});

test(
  "clients that never read cost bounded memory, and have everything once they read",
  { timeout: 180_000 },
  async (t) => {
    const name = fresh_name("deaf");
    const anna = await open_editor(server, name);
    const ben = await open_editor(server, name);
    const deaf = await Promise.all(Array.from({ length: 10 }, () => open_bare(server, name)));
    for (const client of deaf) {
      await client.sync();
      client.socket.pause();
    }
    const memory_before = resident_bytes(server.pid);
    let memory_max = memory_before;
    const edits = 300;
    const megabytes = edits / 2;
    for (let i = 0; i < edits; ++i) {
      // The old value is garbage at once: the document stays small while the edits are many.
      anna.doc.getMap("map").set("blob", String(i).padEnd(512 << 10, "x"));
      anna.text.insert(anna.text.length, ".");
      if (i % 4 === 0) {
        await anna.until_durable(i + 1, 60_000);
        memory_max = Math.max(memory_max, resident_bytes(server.pid));
      }
    }
    await wait_for("those who read have it", () => ben.text.length === edits, 30_000);
    await sleep(500);
    memory_max = Math.max(memory_max, resident_bytes(server.pid));
    t.diagnostic(
      `${megabytes} MB to ${deaf.length} deaf clients: memory grew by ${(memory_max - memory_before) >> 20} MB`,
    );
    assert.ok(memory_max - memory_before < memory_growth_max, `memory grew by ${memory_max - memory_before} bytes`);

    for (const client of deaf) assert.equal(client.closed, undefined, "its socket stays open");
    assert.ok(
      (await metric(server, "octavo_resyncs_total")) > 0 || (await metric(server, "octavo_send_queue_bytes")) > 0,
      "nobody lagged: the test proves nothing",
    );
    const copies = deaf.map(() => new Y.Doc());
    for (const client of deaf) client.socket.resume();
    await wait_for(
      "those who did not read have it too",
      () => {
        deaf.forEach((client, i) => {
          for (const { type, step, body } of client.frames.splice(0)) {
            if (type === message.sync && step !== sync.step1) Y.applyUpdate(copies[i], body);
          }
        });
        return copies.every((doc) => doc.getText("text").length === edits);
      },
      60_000,
    );
    const expected = Y.encodeSnapshot(Y.snapshot(anna.doc));
    for (const copy of copies) {
      assert.deepEqual(Y.encodeSnapshot(Y.snapshot(copy)), expected, "nothing is missing, deletes included");
      assert.equal(copy.getMap("map").get("blob"), anna.doc.getMap("map").get("blob"));
    }
  },
);

test("200 sockets that open one cold document at once all get the whole of it", { timeout: 120_000 }, async (t) => {
  const name = fresh_name("cold");
  const anna = await open_editor(server, name);
  for (let i = 0; i < 40; ++i) anna.text.insert(anna.text.length, `${i} `.padEnd(25_000, "abc "));
  await anna.until_durable(1, 30_000);
  const expected = anna.text.toString();
  close_clients();
  await server.crash_and_restart();

  const start_ms = performance.now();
  const clients = Array.from({ length: 200 }, () => new BareClient(server, name));
  const step1 = make_sync(sync.step1, new Uint8Array([0]));
  for (const client of clients) client.socket.on("open", () => client.send(step1));
  await wait_for(
    "all are synchronized",
    () => clients.every(({ frames }) => frames.some(({ type, step }) => type === message.sync && step === sync.step2)),
    60_000,
  );
  t.diagnostic(`${Math.round(performance.now() - start_ms)} ms`);
  for (const client of clients) {
    const doc = new Y.Doc();
    for (const { type, step, body } of client.frames) {
      if (type === message.sync && step !== sync.step1) Y.applyUpdate(doc, body);
    }
    assert.ok(doc.getText("text").toString() === expected, "the text is whole");
    client.close();
  }
  assert.equal(await metric(server, "octavo_documents_loaded_total"), 1, "it was read from the store once");
});
