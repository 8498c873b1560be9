// A node that is drained sends its clients away one after the other, so that they do not all come to the others at once.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { close_clients, fresh_name, open_bare, open_editor, read_afresh } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { sleep, wait_for } from "./support/server.mjs";
import { Writer, assert_written, while_all_write } from "./support/writers.mjs";

afterEach(close_clients);

const drain_ms = 6_000;
// So many that a stall of this process cannot make them look as if they came at once.
const socket_count = 200;
// Each thread closes its own, at least one at a time: with many of them it would be over soon.
const io_threads = 2;
const writer_count = 12;
const patience_ms = 60_000;

/** Opens sockets that only listen, and notes when and how each of them is closed. */
async function open_listeners(server, names, count) {
  const listeners = [];
  for (let i = 0; i < count; ++i) {
    const client = await open_bare(server, names[i % names.length], { keep: false });
    const one = { client, name: names[i % names.length], closings: [] };
    client.socket.on("close", (code) => one.closings.push({ code, at_ms: performance.now() }));
    listeners.push(one);
  }
  return listeners;
}

/** At most how many of these times are within any stretch of so long. */
function most_within(times_ms, stretch_ms) {
  const sorted = [...times_ms].sort((one, other) => one - other);
  return Math.max(...sorted.map((from) => sorted.filter((at) => at >= from && at <= from + stretch_ms).length));
}

test("a drained node's sockets are closed with 1012, each once, spread over the drain time; who goes elsewhere loses nothing", async () => {
  const args = ["--drain-time", `${drain_ms}ms`, "--io-threads", `${io_threads}`];
  await with_cluster({ nodes: 3, args }, async (cluster) => {
    await cluster.settled({ replicas: 3 });
    const [n1, n2, n3] = cluster.nodes;
    const names = Array.from({ length: 6 }, () => fresh_name("drain"));
    const listeners = await open_listeners(n1, names, socket_count);
    const others = [...(await open_listeners(n2, names, 6)), ...(await open_listeners(n3, names, 6))];
    const writers = [];
    for (let i = 0; i < writer_count; ++i) {
      const editor = await open_editor(n1, names[i % names.length]);
      // As a load balancer would do it.
      editor.provider.on("connection-close", () => (editor.provider.serverUrl = [n2, n3][i % 2].ws_url));
      writers.push(new Writer(i, editor));
    }
    const closed = () => listeners.filter(({ closings }) => closings.length > 0);
    const moved_on = () => writers.every(({ editor }) => editor.close_events.length > 0 && editor.provider.synced);
    const drained = Promise.all([
      cluster.command("drain", "n1"),
      wait_for("all are closed, and those who write are elsewhere", () => closed().length === socket_count && moved_on(), patience_ms),
    ]);
    await while_all_write(writers, drained);
    assert.equal((await fetch(`${n1.http_url}/readyz`)).status, 503, "load balancers turn away");
    // Who comes back all the same is let in, and stays.
    const stubborn = await open_listeners(n1, names, 20);
    await while_all_write(writers, sleep(drain_ms / 2));

    const closings = listeners.map(({ closings: own }) => own);
    for (const own of closings) assert.deepEqual(own.map(({ code }) => code), [1012]);
    for (const { editor } of writers) assert.deepEqual(editor.close_events, [1012]);
    for (const one of [...others, ...stubborn]) assert.deepEqual(one.closings, [], "nobody else is closed");
    const times_ms = closings.map(([{ at_ms }]) => at_ms);
    const took_ms = Math.max(...times_ms) - Math.min(...times_ms);
    assert.ok(took_ms >= 1_000, `the last came ${took_ms} ms after the first`);
    const at_once = most_within(times_ms, 200);
    assert.ok(at_once <= socket_count / 2, `${at_once} of ${socket_count} came within 200 ms`);

    for (const { editor } of writers) await editor.until_durable(1, patience_ms);
    close_clients();
    for (const node of cluster.nodes)
      for (const [n, name] of names.entries()) {
        const found = await read_afresh(node, name, { timeout_ms: patience_ms });
        assert_written(found.getText("text").toString(), writers.filter(({ number }) => number % names.length === n));
      }
  });
});
