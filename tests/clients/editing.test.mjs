// Two and more real Yjs clients on one document: whatever they do and whatever the network does to them, they end with
// the same document, and the server has it too.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import * as Y from "yjs";
import {
  close_clients,
  converge,
  fresh_name,
  make_sync,
  open_bare,
  open_editor,
  read_afresh,
  sync,
} from "./support/client.mjs";
import { chosen_seed, random_from } from "./support/random.mjs";
import { sleep, start_server, wait_for } from "./support/server.mjs";

let server;
before(async () => (server = await start_server()));
after(() => server.dispose());
afterEach(close_clients);

test("two clients that type at once converge, and a third reads the same", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  for (let i = 0; i < 50; ++i) {
    anna.text.insert(0, `a${i} `);
    ben.text.insert(ben.text.length, `b${i} `);
    if (i % 10 === 0) await sleep(5);
  }
  await wait_for("all edits arrive", () => anna.text.length === ben.text.length && anna.text.length === 2 * 190);
  const text = await converge([anna, ben]);
  assert.equal((await read_afresh(server, name)).getText("text").toString(), text);
});

test("edits of two offline clients merge when both come back", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  anna.text.insert(0, "common");
  await converge([anna, ben]);
  await wait_for("the common text arrives", () => ben.text.length === 6);

  anna.provider.disconnect();
  ben.provider.disconnect();
  anna.text.insert(0, "before ");
  anna.text.delete(7, 3);
  ben.text.insert(6, " after");
  ben.doc.getMap("map").set("who", "ben");
  await sleep(100);
  assert.notEqual(anna.text.toString(), ben.text.toString(), "nothing can have been exchanged while offline");

  anna.provider.connect();
  ben.provider.connect();
  await wait_for("ben's offline edit arrives", () => anna.doc.getMap("map").get("who") === "ben");
  assert.equal(await converge([anna, ben]), "before mon after");
});

test("an edit made before the first connection arrives", async () => {
  const name = fresh_name();
  const doc = new Y.Doc();
  doc.getText("text").insert(0, "written on a train");
  const anna = await open_editor(server, name, { doc });
  const ben = await open_editor(server, name);
  await wait_for("the text arrives", () => ben.text.length > 0);
  assert.equal(await converge([anna, ben]), "written on a train");
});

test("sockets that are cut again and again lose nothing", async () => {
  const name = fresh_name();
  const editors = await Promise.all([1, 2, 3].map(() => open_editor(server, name)));
  let typed = 0;
  for (let round = 0; round < 30; ++round) {
    for (const editor of editors) {
      editor.text.insert(editor.text.length, ".");
      ++typed;
    }
    if (round % 5 === 2) editors[round % editors.length].drop();
    await sleep(20);
  }
  await wait_for("everything arrives", () => editors.every(({ text }) => text.length === typed), 20_000);
  await converge(editors);
  assert.equal((await read_afresh(server, name)).getText("text").length, typed);
});

test("a server that is stopped and started again is found again, with the document", async () => {
  const own_server = await start_server();
  try {
    const name = fresh_name();
    const [anna, ben] = await Promise.all([open_editor(own_server, name), open_editor(own_server, name)]);
    anna.text.insert(0, "before the restart");
    await wait_for("the edit arrives", () => ben.text.length === 18);
    assert.equal(await own_server.stop(), 0, "SIGTERM ends with exit code 0");
    await wait_for("the clients notice", () => !anna.provider.wsconnected && !ben.provider.wsconnected);
    assert.deepEqual([anna.close_events[0], ben.close_events[0]], [1012, 1012], "a stopping server says so");
    anna.text.insert(18, ", and while it was down");
    await own_server.start();
    await wait_for("the edit of the downtime arrives", () => ben.text.length === 41, 20_000);
    assert.equal(await converge([anna, ben]), "before the restart, and while it was down");
    close_clients();
    await own_server.crash_and_restart();
    assert.equal((await read_afresh(own_server, name)).getText("text").length, 41);
  } finally {
    close_clients();
    await own_server.dispose();
  }
});

test("text beyond the basic plane survives, also where an edit splits a pair", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  const words = "é 漢字 👩‍👩‍👧‍👦 𝒳𝓎 🇩🇪 \u0000 e\u0301 \ufeff end";
  anna.text.insert(0, words);
  await wait_for("it arrives", () => ben.text.length === words.length);
  assert.equal(ben.text.toString(), words);

  // An insertion between the halves of a pair: Yjs replaces both halves, and the server must agree with it.
  const inside_pair = words.indexOf("𝒳") + 1;
  ben.text.insert(inside_pair, "|");
  await wait_for("the split arrives", () => anna.text.length === words.length + 1);
  const text = await converge([anna, ben]);
  assert.ok(text.includes("\ufffd|\ufffd"), "this Yjs replaces the halves; if not, the test proves nothing");
  assert.equal((await read_afresh(server, name)).getText("text").toString(), text);

  // A deletion of one half only.
  const smile_name = fresh_name();
  const carl = await open_editor(server, smile_name);
  carl.text.insert(0, "a😀b");
  carl.text.delete(1, 1);
  await carl.until_durable();
  assert.equal((await read_afresh(server, smile_name)).getText("text").toString(), carl.text.toString());
});

test("names of documents may be escaped, contain a slash, and be long", async () => {
  for (const [asked, same] of [
    ["folder/notes", "folder%2Fnotes"],
    ["caf%C3%A9", "caf%c3%a9"],
    ["with%20space", "with%20space"],
    ["n".repeat(200), "n".repeat(200)],
  ]) {
    const anna = await open_editor(server, asked);
    anna.text.insert(0, asked);
    await anna.until_durable();
    assert.equal((await read_afresh(server, same)).getText("text").toString(), asked);
  }
  const other = await read_afresh(server, "folder");
  assert.equal(other.getText("text").toString(), "", "a document's name is the whole path");
});

test("client ids of 53 bits work, in edits and in presence", async () => {
  const name = fresh_name();
  const large = Number.MAX_SAFE_INTEGER;
  const docs = [large, large - 1, 2 ** 32, 1].map((id) => Object.assign(new Y.Doc(), { clientID: id }));
  const editors = await Promise.all(docs.map((doc) => open_editor(server, name, { doc })));
  for (const editor of editors) {
    editor.text.insert(0, `${editor.doc.clientID} `);
    // A provider's first state has clock 0, which everybody ignores: it counts from the first change.
    editor.awareness.setLocalStateField("user", { name: String(editor.doc.clientID) });
  }
  await wait_for("all four edits are everywhere", () =>
    editors.every(({ doc }) => docs.every(({ clientID }) => doc.store.clients.has(clientID))),
  );
  await converge(editors);
  await wait_for("all presence states are everywhere", () => editors.every((editor) => editor.others().size === 3));

  const copy = await read_afresh(server, name);
  assert.deepEqual([...copy.store.clients.keys()].sort(), docs.map(({ clientID }) => clientID).sort());
});

test("a subdocument is a document of its own, named by its guid", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  const chapter = new Y.Doc({ guid: fresh_name("chapter"), meta: { title: "one" } });
  anna.doc.getMap("chapters").set("one", chapter);
  const anna_chapter = await open_editor(server, chapter.guid, { doc: chapter });
  anna_chapter.text.insert(0, "the chapter's text");

  await wait_for("the subdocument is known", () => ben.doc.getMap("chapters").get("one") instanceof Y.Doc);
  const ben_side = ben.doc.getMap("chapters").get("one");
  assert.equal(ben_side.guid, chapter.guid);
  assert.deepEqual(ben_side.meta, { title: "one" });
  ben_side.load();
  const ben_chapter = await open_editor(server, ben_side.guid, { doc: ben_side });
  await wait_for("the chapter arrives", () => ben_chapter.text.length > 0);
  assert.equal(ben_chapter.text.toString(), "the chapter's text");

  // A late reader gets the reference from the server's copy.
  const copy = await read_afresh(server, name);
  assert.equal(copy.getMap("chapters").get("one").guid, chapter.guid);
});

test("undo takes back one's own edit and no one else's", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  const manager = new Y.UndoManager(anna.text, { trackedOrigins: new Set(["anna"]) });
  anna.doc.transact(() => anna.text.insert(0, "mine "), "anna");
  await wait_for("it arrives", () => ben.text.length === 5);
  ben.text.insert(5, "yours");
  await wait_for("it arrives back", () => anna.text.length === 10);
  manager.undo();
  await wait_for("the undo arrives", () => ben.text.toString() === "yours");
  manager.redo();
  await wait_for("the redo arrives", () => ben.text.toString() === "mine yours");
  const text = await converge([anna, ben]);
  assert.equal((await read_afresh(server, name)).getText("text").toString(), text);
});

test("every kind of shared type reads the same afresh", async () => {
  const name = fresh_name();
  const anna = await open_editor(server, name);
  anna.doc.transact(() => {
    const rich = anna.doc.getText("rich");
    rich.insert(0, "plain bold");
    rich.format(6, 4, { bold: true });
    rich.insertEmbed(5, { image: "x.png" });
    const map = anna.doc.getMap("map");
    map.set("bytes", new Uint8Array([0, 255]));
    map.set("nested", new Y.Map([["list", Y.Array.from([1, -0.5, null, true, "x", { a: [1] }, 2 ** 31])]]));
    map.set("gone", 1);
    map.delete("gone");
    const paragraph = new Y.XmlElement("paragraph");
    paragraph.setAttribute("align", "left");
    paragraph.insert(0, [new Y.XmlText("words")]);
    anna.doc.getXmlFragment("xml").insert(0, [paragraph]);
  });
  await anna.until_durable();
  const copy = await read_afresh(server, name);
  assert.deepEqual(copy.getText("rich").toDelta(), anna.doc.getText("rich").toDelta());
  assert.deepEqual(copy.getMap("map").toJSON(), anna.doc.getMap("map").toJSON());
  assert.equal(copy.getXmlFragment("xml").toString(), anna.doc.getXmlFragment("xml").toString());
});

test("updates that arrive in the wrong order take effect when the missing one comes", async () => {
  const name = fresh_name();
  const doc = new Y.Doc();
  const updates = [];
  doc.on("update", (update) => updates.push(update));
  for (const letter of "abcdefgh") doc.getText("text").insert(doc.getText("text").length, letter);
  const writer = await open_bare(server, name);
  const reader = await open_editor(server, name);
  for (const update of [...updates].reverse()) writer.send(make_sync(sync.update, update));
  await wait_for("the text is whole", () => reader.text.toString() === "abcdefgh");
  assert.equal((await read_afresh(server, name)).getText("text").toString(), "abcdefgh");
});

test("the server opens with its own Step1, and answers a Step1 with exactly one Step2", async () => {
  const name = fresh_name();
  const anna = await open_editor(server, name);
  anna.text.insert(0, "hello");
  await anna.until_durable();
  const bare = await open_bare(server, name);
  const first = await bare.until_frame("a first sync frame", ({ type }) => type === 0);
  assert.equal(first.step, sync.step1, "clients with offline edits are asked for them at once");
  assert.deepEqual(Y.decodeStateVector(first.body).get(anna.doc.clientID), 5);
  const doc = await bare.sync();
  assert.equal(doc.getText("text").toString(), "hello");
  await sleep(200);
  assert.equal(bare.frames.filter(({ type, step }) => type === 0 && step === sync.step2).length, 1);
});

test("a client that has all already is sent no text again", async () => {
  const name = fresh_name();
  const anna = await open_editor(server, name);
  anna.text.insert(0, "x".repeat(100_000));
  await anna.until_durable();
  const bare = await open_bare(server, name);
  bare.send(make_sync(sync.step1, Y.encodeStateVector(anna.doc)));
  await bare.until_frame("a Step2", ({ type, step }) => type === 0 && step === sync.step2);
  await sleep(200);
  assert.ok(bare.bytes_received < 2_000, `it received ${bare.bytes_received} bytes`);
});

test("WebSocketProvider and bare clients end up alike after a random session", async () => {
  const seed = chosen_seed();
  console.log(`OCTAVO_SEED=${seed}`);
  const random = random_from(seed);
  const name = fresh_name();
  const editors = await Promise.all([1, 2, 3, 4].map(() => open_editor(server, name)));
  for (let i = 0; i < 400; ++i) {
    const editor = editors[random(editors.length)];
    const { text } = editor;
    const at = random(text.length + 1);
    const choice = random(20);
    if (choice < 12) text.insert(at, ["a", "éü", "😀", "words "][random(4)]);
    else if (choice < 16 && at < text.length) text.delete(at, Math.min(1 + random(4), text.length - at));
    else if (choice < 18) editor.doc.getMap("map").set(`k${random(5)}`, random(1000));
    else if (choice === 18) editor.doc.getArray("list").push([random(1000)]);
    else editor.drop();
    if (i % 7 === 0) await sleep(2);
  }
  await wait_for("all are connected again", () => editors.every(({ provider }) => provider.synced), 20_000);
  const text = await converge(editors, 20_000);
  const copy = await read_afresh(server, name);
  assert.equal(copy.getText("text").toString(), text);
  assert.deepEqual(copy.getMap("map").toJSON(), editors[0].doc.getMap("map").toJSON());
  assert.deepEqual(copy.getArray("list").toJSON(), editors[0].doc.getArray("list").toJSON());
});
