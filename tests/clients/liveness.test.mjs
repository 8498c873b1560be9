// What happens when nobody says anything for longer than 30 s. Slow by nature; the tests here wait together.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Y from "yjs";
import {
  close_clients,
  frame_header,
  fresh_name,
  make_awareness,
  make_sync,
  message,
  open_bare,
  open_editor,
  sync,
} from "./support/client.mjs";
import { sleep, start_server, wait_for } from "./support/server.mjs";

// A provider closes after 30 s without a message, which it checks every 3 s.
const silence_ms = 38_000;

let server;
before(async () => (server = await start_server()));
after(async () => {
  close_clients();
  await server.dispose();
});

describe("after a long silence", { concurrency: true }, () => {
  test("a client that says nothing is still connected", async () => {
    const anna = await open_editor(server, fresh_name());
    anna.awareness.setLocalState(null); // or it would renew its state, and the server would have something to say
    await sleep(silence_ms);
    assert.ok(anna.provider.wsconnected);
    assert.deepEqual(anna.close_events, []);
    let was_closed = false;
    anna.provider.once("connection-close", () => (was_closed = true));
    anna.text.insert(0, "still here");
    await anna.until_durable();
    assert.ok(!was_closed);
  });

  test("the server sends some message at least every 27 s", async () => {
    const client = await open_bare(server, fresh_name());
    let longest_ms = 0;
    let last_ms = performance.now();
    const note = () => {
      longest_ms = Math.max(longest_ms, performance.now() - last_ms);
      last_ms = performance.now();
    };
    client.socket.on("message", note);
    await sleep(silence_ms);
    note();
    assert.ok(longest_ms < 27_000, `it was silent for ${longest_ms} ms`);
  });

  test("a state that is not renewed expires for those who are here and those who come", async () => {
    const name = fresh_name();
    const observer = await open_bare(server, name);
    const anna = await open_bare(server, name);
    const start_ms = performance.now();
    anna.send(make_awareness([[8001, 1, { user: "Anna" }]]));
    const of_anna = ({ states }, is_gone) => states?.some((s) => s.client === 8001 && (s.state === null) === is_gone);
    await observer.until_frame("the state", (frame) => of_anna(frame, false));
    await observer.until_frame("its end", (frame) => of_anna(frame, true), 45_000);
    const lived_ms = performance.now() - start_ms;
    assert.ok(lived_ms > 28_000, `a state lives 30 s, and this one was removed after ${lived_ms} ms`);
    assert.equal(anna.closed, undefined, "its connection stays");
    const late = await open_bare(server, name);
    await sleep(500);
    assert.ok(!late.frames.some((frame) => of_anna(frame, false)));
  });

  test("a large message may take a slow line longer than the patience for silence", async () => {
    const impatient = await start_server({ args: ["--connection-idle-timeout", "5s"] });
    try {
      const name = fresh_name();
      const slow = await open_bare(impatient, name);
      const doc = new Y.Doc();
      doc.getText("text").insert(0, "x".repeat(150_000));
      const message_bytes = Buffer.from(make_sync(sync.update, Y.encodeStateAsUpdate(doc)));
      slow.socket._socket.write(frame_header(message_bytes.length));
      for (let at = 0; at < message_bytes.length; at += 10_000) {
        slow.socket._socket.write(message_bytes.subarray(at, at + 10_000));
        await sleep(1_000);
      }
      const reader = await open_bare(impatient, name);
      assert.equal((await reader.sync()).getText("text").length, 150_000);
      assert.equal(slow.closed, undefined);
    } finally {
      await impatient.dispose();
    }
  });

  test("a state that is renewed stays", async () => {
    const name = fresh_name();
    const observer = await open_bare(server, name);
    const anna = await open_editor(server, name);
    anna.awareness.setLocalStateField("user", { name: "Anna" });
    await sleep(silence_ms);
    const states = observer.frames.flatMap((frame) => (frame.type === message.awareness ? frame.states : []));
    assert.ok(states.some(({ client }) => client === anna.doc.clientID));
    assert.ok(
      states.every(({ state }) => state !== null),
      "it was never taken away",
    );
    const late = await open_editor(server, name);
    await wait_for("a late reader sees it", () => late.others().has(anna.doc.clientID), 15_000);
  });
});
