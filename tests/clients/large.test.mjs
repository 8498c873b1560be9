// Documents of more than ten megabytes: they come in pieces, so that slow links and other clients live on meanwhile.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import * as Y from "yjs";
import {
  BareClient,
  close_clients,
  fresh_name,
  make_sync,
  message,
  open_editor,
  read_afresh,
  sync,
} from "./support/client.mjs";
import { sleep, start_server, wait_for } from "./support/server.mjs";

// A piece of an initial state takes at most this: at 1 Mbit/s that is 16 s, well within the 30 s after which clients
// give up a connection that says nothing.
const frame_bytes_max = 2 << 20;

let server;
before(async () => (server = await start_server()));
after(() => server.dispose());
afterEach(close_clients);

/** 12 MB in three thousand paragraphs, as an offline client might have imported them. */
function make_book() {
  const doc = new Y.Doc();
  doc.transact(() => {
    const paragraphs = [];
    for (let i = 0; i < 3_000; ++i) {
      const paragraph = new Y.XmlElement("paragraph");
      paragraph.setAttribute("number", String(i));
      paragraph.insert(0, [new Y.XmlText(`${i} `.padEnd(4_000, "lorem ipsum é "))]);
      paragraphs.push(paragraph);
    }
    doc.getXmlFragment("book").insert(0, paragraphs);
  });
  return doc;
}

test("a document of 12 MB arrives from one client in one frame, and at another in many", async () => {
  const name = fresh_name("book");
  const book = make_book();
  const anna = await open_editor(server, name, { doc: book });
  await anna.until_durable(1, 60_000);
  const expected = book.getXmlFragment("book").toString();

  const bare = await new BareClient(server, name).opened();
  const doc = await bare.sync(60_000);
  assert.equal(doc.getXmlFragment("book").toString(), expected);
  const sizes = bare.frames.filter(({ type }) => type === message.sync).map(({ body }) => body.length);
  assert.ok(Math.max(...sizes) <= frame_bytes_max, `the largest piece has ${Math.max(...sizes)} bytes`);
  assert.ok(sizes.length > 5);

  assert.equal((await read_afresh(server, name, { timeout_ms: 60_000 })).getXmlFragment("book").toString(), expected);
});

test("the same after a restart", async () => {
  const name = fresh_name("book");
  const book = make_book();
  const anna = await open_editor(server, name, { doc: book });
  await anna.until_durable(1, 60_000);
  const expected = book.getXmlFragment("book").toString();
  close_clients();
  await server.crash_and_restart();
  assert.equal((await read_afresh(server, name, { timeout_ms: 60_000 })).getXmlFragment("book").toString(), expected);
});

test("a text that is one run of 12 MB is served too", async () => {
  const name = fresh_name("run");
  const anna = await open_editor(server, name);
  for (let i = 0; i < 12; ++i) anna.text.insert(anna.text.length, String.fromCharCode(97 + i).repeat(1 << 20));
  await anna.until_durable(1, 60_000);
  const copy = await read_afresh(server, name, { timeout_ms: 60_000 });
  assert.equal(copy.getText("text").toString(), anna.text.toString());
});

test("others type on while a slow reader loads a large document, and the reader ends up complete", async () => {
  const name = fresh_name("book");
  const book = make_book();
  const anna = await open_editor(server, name, { doc: book });
  await anna.until_durable(1, 60_000);
  const ben = await open_editor(server, name);
  await ben.synced(60_000);

  const slow = await new BareClient(server, name).opened();
  // It has asked for everything, and takes nothing in while the others type: were anybody held up for it, it would be for good.
  slow.socket.pause();
  slow.send(make_sync(sync.step1, Y.encodeStateVector(new Y.Doc())));
  for (let i = 0; i < 20; ++i) {
    anna.text.insert(anna.text.length, "x");
    await wait_for("the edit reaches ben", () => ben.text.length === i + 1);
    await sleep(50);
  }
  assert.ok(!slow.frames.some(({ type, step }) => type === message.sync && step === sync.step2), "it is loading still");
  // Now slowly: the socket is read for a tenth of the time.
  const throttle = setInterval(() => {
    slow.socket.resume();
    setTimeout(() => slow.socket.pause(), 10);
  }, 100);
  await sleep(1_000);
  clearInterval(throttle);
  await sleep(20);
  slow.socket.resume();
  await slow.until_frame("a Step2", ({ type, step }) => type === 0 && step === sync.step2, 60_000);
  const doc = new Y.Doc();
  await wait_for("the slow reader has everything", () => {
    for (const { type, step, body } of slow.frames.splice(0)) {
      if (type === message.sync && step !== sync.step1) Y.applyUpdate(doc, body);
    }
    return doc.getText("text").length === 20 && doc.getXmlFragment("book").length === 3_000;
  });
  assert.equal(doc.getXmlFragment("book").toString(), book.getXmlFragment("book").toString());
});
