// Message 102, "tell me when all that I sent before is on disk": it comes back unchanged, in order, and not too early.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import * as Y from "yjs";
import {
  close_clients,
  fresh_name,
  make_durable,
  make_frame,
  make_sync,
  message,
  open_bare,
  open_editor,
  read_afresh,
  sync,
  typed,
} from "./support/client.mjs";
import { sequence_of } from "./support/documents.mjs";
import { sleep, start_server, wait_for } from "./support/server.mjs";

let server;
before(async () => (server = await start_server()));
after(() => server.dispose());
afterEach(close_clients);

const echoes = (client) => client.frames.filter(({ type }) => type === message.durable);

test("102 comes back unchanged, whatever its number, also when nothing was written", async () => {
  const client = await open_bare(server, fresh_name());
  const numbers = [0, 1, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER];
  for (const number of numbers) client.send(make_durable(number));
  await wait_for("all echoes", () => echoes(client).length === numbers.length);
  assert.deepEqual(
    echoes(client).map(({ number }) => number),
    numbers,
  );
});

test("echoes come in the order of the questions, and the last one comes", async () => {
  const client = await open_bare(server, fresh_name());
  const doc = new Y.Doc();
  const numbers_of = () => echoes(client).map(({ number }) => number);
  // A few at a time: each is answered.
  for (let i = 1; i <= 20; ++i) {
    client.send(make_sync(sync.update, typed(doc, "x")));
    client.send(make_durable(i));
  }
  await wait_for("all echoes", () => echoes(client).length >= 20);
  assert.deepEqual(
    numbers_of(),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  // A flood: a later answer says all that an earlier one does, so that some may be left out.
  client.frames.length = 0;
  for (let i = 101; i <= 1_000; ++i) {
    client.send(make_sync(sync.update, typed(doc, "x")));
    client.send(make_durable(i));
  }
  await wait_for("the last echo", () => numbers_of().includes(1_000));
  await sleep(100);
  const numbers = numbers_of();
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  );
});

test("there is no echo for an edit that was not taken", async () => {
  const client = await open_bare(server, fresh_name());
  client.send(make_sync(sync.update, new Uint8Array([1, 1, 1, 0, 31, 0])));
  client.send(make_durable(1));
  client.send(make_sync(sync.step1, new Uint8Array([0])));
  await client.until_frame("a Step2", ({ type, step }) => type === message.sync && step === sync.step2);
  await sleep(300);
  assert.deepEqual(echoes(client), []);
});

test("what an echo confirmed is there after SIGKILL in that moment", async () => {
  const own_server = await start_server();
  try {
    for (let round = 0; round < 5; ++round) {
      const name = fresh_name();
      const client = await open_bare(own_server, name);
      const doc = new Y.Doc();
      client.send(make_sync(sync.update, typed(doc, `round ${round}`)));
      client.send(make_durable(1));
      let killed;
      client.socket.on("message", (data) => {
        if (data[0] === message.durable) killed = own_server.kill();
      });
      await wait_for("the echo", () => killed !== undefined);
      await killed;
      close_clients();
      await own_server.start();
      assert.equal((await read_afresh(own_server, name)).getText("text").toString(), `round ${round}`);
    }
  } finally {
    close_clients();
    await own_server.dispose();
  }
});

test("an edit is shown to another client only once a restart would show it too", async () => {
  const own_server = await start_server();
  try {
    for (let round = 0; round < 5; ++round) {
      const name = fresh_name();
      const [writer, reader] = [await open_bare(own_server, name), await open_editor(own_server, name)];
      let killed;
      reader.doc.on("update", () => (killed ??= own_server.kill()));
      writer.send(make_sync(sync.update, typed(new Y.Doc(), `round ${round}`)));
      await wait_for("the edit is seen", () => killed !== undefined);
      await killed;
      close_clients();
      await own_server.start();
      assert.equal((await read_afresh(own_server, name)).getText("text").toString(), `round ${round}`);
    }
  } finally {
    close_clients();
    await own_server.dispose();
  }
});

test("a client that sends the same again does not make the log longer", async () => {
  const name = fresh_name();
  const client = await open_bare(server, name);
  const doc = new Y.Doc();
  typed(doc, "hello ");
  typed(doc, "world");
  doc.getText("text").delete(0, 6);
  const whole = Y.encodeStateAsUpdate(doc);
  client.send(make_sync(sync.step2, whole));
  client.send(make_durable(1));
  await wait_for("the first time is durable", () => echoes(client).length === 1);
  const sequence = await sequence_of(server, name);
  assert.ok(sequence >= 1);
  for (let i = 0; i < 20; ++i) client.send(make_sync(i % 2 ? sync.step2 : sync.update, whole));
  client.send(make_sync(sync.step2, new Uint8Array([0, 0])));
  client.send(make_durable(2));
  await wait_for("the repetitions are answered", () => echoes(client).length === 2);
  assert.equal(await sequence_of(server, name), sequence);

  // A reconnecting provider sends its whole document as Step2 too.
  for (let i = 0; i < 3; ++i) {
    const editor = await open_editor(server, name, { doc: new Y.Doc() });
    Y.applyUpdate(editor.doc, whole);
    editor.drop();
    await wait_for("the socket is gone", () => !editor.provider.wsconnected);
    await editor.synced();
    await editor.until_durable(10);
  }
  assert.equal(await sequence_of(server, name), sequence);
});

test("a sequence number without a gap is given to each edit", async () => {
  const name = fresh_name();
  const client = await open_bare(server, name);
  const doc = new Y.Doc();
  for (let i = 1; i <= 20; ++i) {
    client.send(make_sync(sync.update, typed(doc, "x")));
    client.send(make_durable(i));
    await wait_for("it is durable", () => echoes(client).length === i);
    assert.equal(await sequence_of(server, name), i);
  }
});

test("a question in a frame with more behind it, or without a body, harms nobody", async () => {
  const name = fresh_name();
  const client = await open_bare(server, name);
  client.send(make_frame((encoder) => (encoder.cbuf[encoder.cpos++] = message.durable)));
  client.send(new Uint8Array([message.durable, 1]));
  client.send(new Uint8Array([message.durable, 0]));
  client.send(make_durable(77));
  await wait_for("the good one is answered", () => echoes(client).some(({ body }) => body[0] === 77));
});
