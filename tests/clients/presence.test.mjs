// Who is here: states appear, change and go with their connection, whatever the client did before.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  close_clients,
  fresh_name,
  make_awareness,
  make_frame,
  message,
  open_bare,
  open_editor,
} from "./support/client.mjs";
import { sleep, start_server, wait_for } from "./support/server.mjs";

// A connection's states are gone "at once": far sooner than the 30 s after which Yjs itself expires them.
const at_once_ms = 15_000;

let server;
before(async () => (server = await start_server()));
after(() => server.dispose());
afterEach(close_clients);

const states_of = (frames, client) =>
  frames.flatMap(({ type, states }) => (type === message.awareness ? states : [])).filter((s) => s.client === client);

test("a state appears at the others, changes there, and comes to those who join later", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  anna.awareness.setLocalStateField("user", { name: "Anna", color: "#ff0000" });
  await wait_for("ben sees anna", () => ben.others().get(anna.doc.clientID)?.user?.name === "Anna");
  anna.awareness.setLocalStateField("cursor", { anchor: 1, head: 3 });
  await wait_for("ben sees her cursor", () => ben.others().get(anna.doc.clientID)?.cursor?.head === 3);
  const carl = await open_editor(server, name);
  await wait_for("carl sees anna", () => carl.others().get(anna.doc.clientID)?.cursor?.head === 3, at_once_ms);
});

test("a state leaves when its client says so", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  anna.awareness.setLocalStateField("user", { name: "Anna" });
  await wait_for("ben sees anna", () => ben.others().has(anna.doc.clientID));
  anna.awareness.setLocalState(null);
  await wait_for("anna is gone", () => !ben.others().has(anna.doc.clientID), at_once_ms);
});

test("a state leaves when its socket is lost without a word", async () => {
  const name = fresh_name();
  const ben = await open_editor(server, name);
  const anna = await open_bare(server, name);
  anna.send(make_awareness([[7001, 1, { user: "Anna" }]]));
  await wait_for("ben sees anna", () => ben.others().has(7001));
  anna.socket.terminate();
  await wait_for("anna is gone", () => !ben.others().has(7001), at_once_ms);
});

test("every id that a connection announced leaves with it", async () => {
  const name = fresh_name();
  const ben = await open_editor(server, name);
  const anna = await open_bare(server, name);
  anna.send(
    make_awareness([
      [7101, 1, { n: 1 }],
      [7102, 1, { n: 2 }],
    ]),
  );
  anna.send(make_awareness([[7103, 5, { n: 3 }]]));
  await wait_for("ben sees all three", () => [7101, 7102, 7103].every((id) => ben.others().has(id)));
  anna.socket.terminate();
  await wait_for("all three are gone", () => ben.others().size === 0, at_once_ms);
});

test("no ghost: a state that went, came back, and whose socket is then lost is gone at once", async () => {
  const name = fresh_name();
  const ben = await open_editor(server, name);
  const anna = await open_bare(server, name);
  anna.send(make_awareness([[7201, 1, { user: "Anna" }]]));
  await wait_for("ben sees anna", () => ben.others().has(7201));
  anna.send(make_awareness([[7201, 2, null]]));
  await wait_for("anna hides", () => !ben.others().has(7201));
  anna.send(make_awareness([[7201, 3, { user: "Anna again" }]]));
  await wait_for("anna is back", () => ben.others().has(7201));
  anna.socket.terminate();
  await wait_for("anna is gone", () => !ben.others().has(7201), at_once_ms);

  const late = await open_bare(server, name);
  await sleep(300);
  assert.ok(
    states_of(late.frames, 7201).every(({ state }) => state === null),
    "nor is it told to those who come later",
  );
});

test("a client that repeats another's state does not come to own it", async () => {
  // The y-websocket provider sends every change that it hears back to the server.
  const name = fresh_name();
  const [anna, ben, carl] = await Promise.all([1, 2, 3].map(() => open_editor(server, name)));
  anna.awareness.setLocalStateField("user", { name: "Anna" });
  await wait_for("both see anna", () => [ben, carl].every((e) => e.others().has(anna.doc.clientID)));
  await sleep(200);
  ben.drop();
  await sleep(500);
  assert.ok(carl.others().has(anna.doc.clientID), "anna is still here although ben, who repeated her, dropped out");
  const late = await open_editor(server, name);
  await wait_for("a late reader sees anna", () => late.others().has(anna.doc.clientID), at_once_ms);
});

test("a client whose socket drops is seen again when it comes back", async () => {
  const name = fresh_name();
  const [anna, ben] = await Promise.all([open_editor(server, name), open_editor(server, name)]);
  anna.awareness.setLocalStateField("user", { name: "Anna" });
  await wait_for("ben sees anna", () => ben.others().has(anna.doc.clientID));
  let gone = false;
  ben.awareness.on("change", ({ removed }) => (gone ||= removed.includes(anna.doc.clientID)));
  anna.drop();
  await wait_for("anna leaves", () => gone, at_once_ms);
  // Its clock is as it was when it left: it comes back with its next change, as Yjs has it.
  await anna.synced();
  anna.awareness.setLocalStateField("user", { name: "Anna returned" });
  await wait_for("anna is back", () => ben.others().get(anna.doc.clientID)?.user.name === "Anna returned", at_once_ms);
});

test("old news is ignored: a lower clock, and a first state of clock 0", async () => {
  const name = fresh_name();
  const ben = await open_bare(server, name);
  const anna = await open_bare(server, name);
  anna.send(make_awareness([[7301, 0, { user: "clock 0" }]]));
  anna.send(make_awareness([[7302, 5, { user: "five" }]]));
  anna.send(make_awareness([[7302, 4, { user: "four" }]]));
  anna.send(make_awareness([[7303, 1, { user: "the end" }]]));
  await ben.until_frame("the last state", ({ states }) => states?.some(({ client }) => client === 7303));
  assert.deepEqual(states_of(ben.frames, 7301), []);
  assert.ok(states_of(ben.frames, 7302).every(({ clock }) => clock === 5));
});

test("a query is answered with all states", async () => {
  const name = fresh_name();
  const anna = await open_bare(server, name);
  anna.send(make_awareness([[7401, 1, { user: "Anna" }]]));
  const ben = await open_bare(server, name);
  await ben.until_frame("the state on opening", ({ states }) => states?.some(({ client }) => client === 7401));
  ben.frames.length = 0;
  ben.send(make_frame((encoder) => (encoder.cbuf[encoder.cpos++] = message.query_awareness)));
  await ben.until_frame("the answer", ({ states }) => states?.some(({ client }) => client === 7401), at_once_ms);
});

test("a state of another document is not seen here", async () => {
  const [one, two] = [fresh_name(), fresh_name()];
  const anna = await open_editor(server, one);
  const ben = await open_editor(server, two);
  anna.awareness.setLocalStateField("user", { name: "Anna" });
  await sleep(500);
  assert.equal(ben.others().size, 0);
});

test("presence is never written to the document's log", async () => {
  const name = fresh_name();
  const anna = await open_editor(server, name);
  anna.awareness.setLocalStateField("user", { name: "Anna" });
  await sleep(300);
  close_clients();
  await server.crash_and_restart();
  const late = await open_bare(server, name);
  await late.sync();
  await sleep(300);
  assert.ok(late.frames.every(({ type, states }) => type !== message.awareness || states.length === 0));
});
