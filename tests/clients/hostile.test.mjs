// What a client can send that it should not. After each of these the document is as it was, its other clients and its
// neighbours go on, and the server's memory is where it was.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, afterEach, before, beforeEach, test } from "node:test";
import * as Y from "yjs";
import {
  close_clients,
  frame_header,
  fresh_name,
  make_sync,
  message,
  open_bare,
  open_editor,
  read_afresh,
  sync,
} from "./support/client.mjs";
import { malformed_frames } from "./support/malformed.mjs";
import { resident_bytes, sleep, start_server, wait_for } from "./support/server.mjs";

// A sanitizer's allocator keeps what is freed; the bound is for what grows with the attack, not for that.
const memory_growth_max = Number(process.env.OCTAVO_MEMORY_GROWTH_MAX ?? 192 << 20);
const words = "what the victim wrote";

let server;
let name;
let victim; // on the document that is attacked
let neighbour; // on another one
let neighbour_name;

before(async () => (server = await start_server()));
after(() => server.dispose());
beforeEach(async () => {
  name = fresh_name("victim");
  neighbour_name = fresh_name("neighbour");
  victim = await open_editor(server, name);
  neighbour = await open_editor(server, neighbour_name);
  victim.text.insert(0, words);
  neighbour.text.insert(0, words);
  await Promise.all([victim.until_durable(1), neighbour.until_durable(1)]);
});
afterEach(close_clients);

const is_step2 = ({ type, step }) => type === message.sync && step === sync.step2;

let round = 1;
/** Both clients can still write, nothing was added to their documents, and they never lost their connection. */
async function check_unharmed(what) {
  ++round;
  for (const editor of [victim, neighbour]) {
    editor.text.insert(editor.text.length, ".");
    await editor.until_durable(round, 10_000).catch((error) => assert.fail(`after ${what}: ${error.message}`));
    assert.deepEqual(editor.close_events, [], `after ${what}`);
    assert.equal(editor.text.toString().replace(/\.+$/, ""), words, `after ${what}`);
    assert.deepEqual([...editor.doc.store.clients.keys()], [editor.doc.clientID], `after ${what}`);
  }
}

/** What a client finds there that comes afterwards. */
async function check_stored() {
  for (const [document, editor] of [
    [name, victim],
    [neighbour_name, neighbour],
  ]) {
    const copy = await read_afresh(server, document);
    assert.equal(copy.getText("text").toString(), editor.text.toString());
    assert.deepEqual([...copy.store.clients.keys()], [editor.doc.clientID]);
  }
}

test("malformed frames of every kind", { timeout: 180_000 }, async (t) => {
  const frames = malformed_frames();
  t.diagnostic(`${frames.length} frames`);
  const memory_before = resident_bytes(server.pid);
  for (const [what, frame] of frames) {
    const attacker = await open_bare(server, name);
    attacker.send(frame);
    // Either the frame is passed over, and what follows is answered, or the connection ends.
    attacker.send(make_sync(sync.step1, new Uint8Array([0])));
    await wait_for(
      `an end or an answer after ${what}`,
      () => attacker.closed !== undefined || attacker.frames.some(is_step2),
    );
    await check_unharmed(what);
    attacker.close();
  }
  await check_stored();
  await server.crash_and_restart();
  await victim.synced();
  await check_stored();
  const growth = resident_bytes(server.pid) - memory_before;
  assert.ok(growth < memory_growth_max, `memory grew by ${growth} bytes`);
});

test("every prefix of an honest frame, and an honest frame with any byte changed", { timeout: 120_000 }, async () => {
  const doc = new Y.Doc();
  doc.getMap("attack").set("key", [1, "two", { three: 3.5 }]);
  doc.getText("attack text").insert(0, "words", { bold: true });
  const frame = make_sync(sync.update, Y.encodeStateAsUpdate(doc));
  const other = fresh_name("mangled");
  let attacker;
  const send = async (data) => {
    if (!attacker || attacker.closed !== undefined || attacker.socket.readyState !== 1) {
      attacker?.close();
      attacker = await open_bare(server, other, { keep: false });
    }
    attacker.send(data);
  };
  for (let length = 0; length < frame.length; ++length) await send(frame.subarray(0, length));
  for (let at = 0; at < frame.length; ++at) {
    for (const change of [0x01, 0x80, 0xff]) {
      const changed = Uint8Array.from(frame);
      changed[at] ^= change;
      await send(changed);
    }
    if (at % 50 === 0) await sleep(1);
  }
  await check_unharmed("mangled frames");
  await check_stored();
  // The document they were sent to may hold what was well-formed by chance; it must still open and be the same for all.
  const [one, two] = [await read_afresh(server, other), await read_afresh(server, other)];
  assert.deepEqual(Y.encodeStateVector(one), Y.encodeStateVector(two));
});

test(
  "bombs: edits that wait for what never comes, thousands of tiny frames, thousands of names",
  { timeout: 120_000 },
  async () => {
    const memory_before = resident_bytes(server.pid);
    // Structs of invented clients with a gap before them, which can never be integrated.
    const attacker = await open_bare(server, name, { keep: false });
    for (let i = 0; i < 200 && attacker.closed === undefined; ++i) {
      const doc = new Y.Doc();
      doc.clientID = 50_000 + i;
      doc.getText("text").insert(0, "first");
      const known = Y.encodeStateVector(doc);
      doc.getText("text").insert(5, "b".repeat(100_000));
      attacker.socket.send(make_sync(sync.update, Y.encodeStateAsUpdate(doc, known)), () => {});
      if (i % 20 === 0) await sleep(1);
    }
    await sleep(500);
    attacker.close();
    assert.equal(victim.text.toString(), words);

    const tiny = await open_bare(server, name, { keep: false });
    for (let i = 0; i < 8_000 && tiny.socket.readyState === 1; ++i) tiny.socket.send(new Uint8Array([3]), () => {});
    tiny.close();
    const talkative = await open_bare(server, name, { keep: false });
    for (let i = 0; i < 3_000 && talkative.socket.readyState === 1; ++i) {
      talkative.socket.send(make_sync(sync.step1, new Uint8Array([0])), () => {});
    }
    talkative.close();
    // The victim was sent the waiting edits too, and holds them as pending: only its text tells.
    ++round;
    victim.text.insert(victim.text.length, ".");
    await victim.until_durable(round, 20_000);
    assert.deepEqual(victim.close_events, []);
    assert.equal(victim.text.toString(), `${words}.`);
    const growth = resident_bytes(server.pid) - memory_before;
    assert.ok(growth < memory_growth_max, `memory grew by ${growth} bytes`);
  },
);

test("a message over the limit closes with 1009, before its body has come", async () => {
  // A header that announces 8 GiB, and then nothing.
  const attacker = await open_bare(server, name);
  attacker.socket._socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 3, 4]));
  assert.equal(await attacker.until_closed(), 1009);
  // The same in many fragments, each small enough, by a client that is still writing when the server ends it.
  for (let round = 0; round < 10; ++round) {
    const loud = await open_bare(server, name);
    const piece = Buffer.alloc(4 << 20);
    for (let i = 0; i < 16; ++i) loud.socket.send(piece, { fin: false }, () => {});
    assert.equal(await loud.until_closed(), 1009);
  }
  await check_unharmed("oversize messages");
});

test("large messages of which only a part comes are bounded in all", async () => {
  const small = await start_server({ args: ["--reading-bytes-max", "1MiB"] });
  try {
    const writer = await open_editor(small, name);
    const begun = await Promise.all(Array.from({ length: 8 }, () => open_bare(small, name)));
    for (const { socket } of begun) socket._socket.write(Buffer.concat([frame_header(8 << 20), Buffer.alloc(300 << 10)]));
    await wait_for("those beyond the bound are closed", () => begun.filter((one) => one.closed === 1013).length >= 5);
    assert.ok(begun.some((one) => one.closed === undefined));
    writer.text.insert(0, "goes on");
    await writer.until_durable();
    for (const one of begun) one.close();
    const large = await open_editor(small, name);
    large.text.insert(0, "x".repeat(700 << 10));
    await large.until_durable();
  } finally {
    await small.dispose();
  }
});

test("frames that break the WebSocket protocol, and text frames", async () => {
  const raw_frames = {
    "a frame without a mask": [0x82, 0x01, 0x03],
    "a reserved bit": [0xf2, 0x81, 0, 0, 0, 0, 0x03],
    "an unknown opcode": [0x83, 0x81, 0, 0, 0, 0, 0x03],
    "a continuation of nothing": [0x80, 0x81, 0, 0, 0, 0, 0x03],
    "a fragmented ping": [0x09, 0x80, 0, 0, 0, 0],
    "a ping that is too long": [0x89, 0xfe, 0, 200, 0, 0, 0, 0, ...Array(200).fill(0)],
    "a close frame of one byte": [0x88, 0x81, 0, 0, 0, 0, 1],
    "a close code that does not exist": [0x88, 0x82, 0, 0, 0, 0, 0, 1],
  };
  for (const [what, data] of Object.entries(raw_frames)) {
    const attacker = await open_bare(server, name);
    attacker.socket._socket.write(Buffer.from(data));
    const code = await attacker.until_closed();
    assert.ok([1002, 1005, 1006, 1007].includes(code), `${what} ends the connection, with ${code}`);
    await check_unharmed(what);
  }
  const chatty = await open_bare(server, name);
  chatty.socket.send("hello, I am a text frame");
  chatty.send(make_sync(sync.step1, new Uint8Array([0])));
  await wait_for("an end or an answer", () => chatty.closed !== undefined || chatty.frames.some(is_step2));
  await check_unharmed("a text frame");
});

/** Sends raw bytes to the HTTP port; what comes back until the end, until `wait_ms` of silence, or until `is_whole(answer)`. */
function raw_http(data, { wait_ms = 1_500, is_whole = () => false } = {}) {
  return new Promise((done) => {
    const chunks = [];
    const answer = () => Buffer.concat(chunks).toString("latin1");
    const socket = connect(server.port, "127.0.0.1", () => socket.write(data));
    const finish = () => {
      socket.destroy();
      done(answer());
    };
    socket.setTimeout(wait_ms, finish);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (is_whole(answer())) finish();
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}
const status_of = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
const host = "Host: 127.0.0.1\r\n";

test("HTTP garbage", { timeout: 120_000 }, async () => {
  const memory_before = resident_bytes(server.pid);
  const requests = {
    "random bytes": Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 197 + 13) % 256)),
    "a TLS hello": Buffer.from("16030100c8010000c40303", "hex"),
    "an empty line": "\r\n\r\n",
    "no version": "GET /\r\n\r\n",
    "a method of 10,000 letters": `${"A".repeat(10_000)} / HTTP/1.1\r\n${host}\r\n`,
    "a URL of 100 kB": `GET /${"a".repeat(100_000)} HTTP/1.1\r\n${host}\r\n`,
    "a header of 1 MB": `GET / HTTP/1.1\r\n${host}X: ${"a".repeat(1 << 20)}\r\n\r\n`,
    "100,000 headers": `GET / HTTP/1.1\r\n${host}${"A: b\r\n".repeat(100_000)}\r\n`,
    "a negative length": `POST /api/session HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
    "a length of 2^63": `POST /api/session HTTP/1.1\r\n${host}Content-Length: 9223372036854775807\r\n\r\nx`,
    "two lengths": `POST /api/session HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
    "a chunk of 2^60": `POST /api/session HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nx`,
    "an unknown method": `BREW / HTTP/1.1\r\n${host}\r\n`,
    "a NUL in the URL": `GET /a\0b HTTP/1.1\r\n${host}\r\n`,
  };
  for (const [what, data] of Object.entries(requests)) {
    const status = status_of(await raw_http(data));
    assert.ok(status === 0 || (status >= 400 && status < 500), `${what} was answered with ${status}`);
    await check_unharmed(what);
  }
  // Half-open: connections that never finish their request. Everybody else is served meanwhile.
  const half_open = Array.from({ length: 300 }, () => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write("GET /doc HTTP/1.1\r\nHost: x\r\nUpgr"));
    return socket.on("error", () => {});
  });
  await sleep(300);
  await check_unharmed("half-open requests");
  assert.equal((await fetch(`${server.http_url}/healthz`)).status, 200);
  for (const socket of half_open) socket.destroy();
  const growth = resident_bytes(server.pid) - memory_before;
  assert.ok(growth < memory_growth_max, `memory grew by ${growth} bytes`);
});

test("upgrades that are not, and names that no document can have", async () => {
  // In HTTP, or accepted and closed with a reason, which stock clients understand better.
  const is_refused = (answer) =>
    status_of(answer) >= 400 || /[\x88].[\x03\x11]/s.test(answer.slice(answer.indexOf("\r\n\r\n") + 4));
  const upgrade = (path, headers = {}, is_whole = is_refused) => {
    const all = {
      Host: `127.0.0.1:${server.port}`,
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    };
    const lines = Object.entries(all)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}: ${value}`);
    return raw_http(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`, { wait_ms: 10_000, is_whole });
  };
  const has_status = (answer) => answer.includes("\r\n\r\n");
  assert.equal(status_of(await upgrade(`/${fresh_name()}`, {}, has_status)), 101, "the honest one works");
  for (const [what, headers] of Object.entries({
    "no key": { "Sec-WebSocket-Key": undefined },
    "an old version": { "Sec-WebSocket-Version": "8" },
  })) {
    const status = status_of(await upgrade(`/${fresh_name()}`, headers));
    assert.ok(status >= 400 && status < 500, `${what}: ${status}`);
  }
  for (const [what, path] of Object.entries({
    "no name": "/",
    "a bad escape": "/doc%zz",
    "an escape cut off": "/doc%4",
    "bytes that are no UTF-8": "/doc%ff%fe",
    "an overlong slash": "/doc%c0%af",
    "a surrogate": "/doc%ed%a0%80",
    "a name of 5,000 bytes": `/${"n".repeat(5_000)}`,
  })) {
    const answer = await upgrade(path);
    assert.ok(is_refused(answer), `${what}: ${JSON.stringify(answer.slice(0, 200))}`);
    await check_unharmed(what);
  }
});

test("no path leads out of the page's folder", async () => {
  for (const path of [
    "/../../../../../../etc/passwd",
    "/assets/../../../../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "//etc/passwd",
    "/assets/..\\..\\..\\etc\\passwd",
    "/assets/%00/../../etc/passwd",
    "/./././../../../../etc/passwd",
    "/assets/....//....//....//etc/passwd",
    "/../../scripts/setup",
    "/..",
  ]) {
    const answer = await raw_http(`GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    assert.doesNotMatch(answer, /root:|#!\/usr\/bin/, path);
  }
  await check_unharmed("paths");
});

test("a client that sends malformed frames without end is closed", async () => {
  const attacker = await open_bare(server, name);
  for (let i = 0; i < 200 && attacker.socket.readyState === 1; ++i) {
    attacker.socket.send(new Uint8Array([0, 2, 1, 255]), () => {});
    await sleep(1);
  }
  const code = await attacker.until_closed();
  assert.ok([1002, 1007, 1008].includes(code) || (code >= 4400 && code < 4500), `closed with ${code}`);
  await check_unharmed("a flood of malformed frames");
});
