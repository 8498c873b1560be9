// A node that has too much to do gives documents away by itself, says why, and they do not go to and fro.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import * as encoding from "lib0/encoding";
import * as syncProtocol from "y-protocols/sync";
import * as Y from "yjs";
import { Editor, close_clients, fresh_name } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { sleep, wait_for } from "./support/server.mjs";

afterEach(close_clients);

const message_sync = 0;
const hot_documents = 4;
const sent_at_once = 20;

/** What somebody types who types a lot: frames, each with a hundred insertions. */
function make_frames(count) {
  const doc = new Y.Doc();
  const frames = [];
  doc.on("update", (update) => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, message_sync);
    syncProtocol.writeUpdate(encoder, update);
    frames.push(encoding.toUint8Array(encoder));
  });
  const text = doc.getText("noise");
  for (let i = 0; i < count; ++i)
    doc.transact(() => {
      for (let each = 0; each < 100; ++each) text.insert((each * 7919 + i) % (text.length + 1), "x");
    });
  return frames;
}

/** Names of documents that `owner` has, each in a shard of its own. */
async function documents_of(cluster, owner, count) {
  const { shards } = await cluster.settled({ replicas: 3 });
  const found = new Map();
  while (found.size < count) {
    const name = fresh_name("hot");
    const shard = await cluster.shard_of(name);
    if (shards[shard].owner === owner && !found.has(shard)) found.set(shard, name);
  }
  return found;
}

test("hot documents leave a busy node while people type, status says why, and rebalance brings them back", async () => {
  const args = ["--balance-interval", "1s", "--balance-busy", "2"];
  await with_cluster({ nodes: 3, shards: 24, args }, async (cluster) => {
    const hot = await documents_of(cluster, "n1", hot_documents);
    const frames = make_frames(300);
    const writers = [];
    const people = [];
    for (const name of hot.values()) {
      writers.push(await new Editor(cluster.node(0), name).synced());
      for (const at of [0, 1, 2]) people.push(await new Editor(cluster.node(at), name).synced());
    }
    let words = 0;
    let is_over = false;
    const typing = (async () => {
      for (let at = 0; !is_over; at += sent_at_once) {
        for (const { provider } of writers) {
          if (provider.ws.bufferedAmount > 1 << 20) continue;
          for (let i = 0; i < sent_at_once; ++i) provider.ws.send(frames[(at + i) % frames.length]);
        }
        if (at % (sent_at_once * 10) === 0) {
          ++words;
          for (const [i, one] of people.entries()) one.text.insert(0, `<${words}.${i}>`);
        }
        await sleep(5);
      }
    })();
    const moved = async () => {
      const status = await cluster.status();
      return status.balance.length > 0 && status.shards[status.balance[0].shard].owner !== "n1" && status;
    };
    const status = await wait_for("something has moved", moved, 60_000);
    await sleep(10_000);
    const later = await wait_for("all nodes answer", async () => {
      const asked = await cluster.status();
      return asked.nodes.every(({ status: own }) => own) && asked;
    });
    is_over = true;
    await typing;
    const [first] = status.balance;
    assert.ok(hot.has(first.shard), "what is hot goes");
    assert.equal(first.from, "n1");
    assert.match(first.why, /^it took \d+ % of a core of a node that was \d+ % busy, and the other one was \d+ % busy$/);
    assert.ok(first.time_ms > Date.now() - 120_000);
    const told = later.nodes.find(({ node }) => node === "n1").status;
    assert.ok(told.busy_percent > 0 && told.cores >= 1, "what it did is told");
    assert.ok(later.nodes.some(({ status: own }) => own.changes.some(({ change, why }) => change === "move" && why === first.why)));
    // Each shard rests for six looks.
    const moves = later.nodes.reduce((sum, { status: own }) => sum + own.changes.filter(({ why }) => why.startsWith("it took")).length, 0);
    assert.ok(moves <= hot_documents + 1, `${moves} moves`);
    const printed = (await cluster.command("status")).stdout;
    assert.match(printed, new RegExp(`shard ${first.shard} went from n1 to ${first.node} for its load: it took`));

    await wait_for("everybody has every word", () =>
      people.every((one) => people.every((_, i) => people[i].provider.roomname !== one.provider.roomname ||
        Array.from({ length: words }, (_word, n) => `<${n + 1}.${i}>`).every((word) => one.text.toString().split(word).length === 2))),
      30_000);
    for (const one of people) assert.deepEqual(one.close_events, [], "nobody was disconnected");
    for (const one of people) await one.until_durable();

    await wait_for("there is nothing more to do", async () =>
      (await cluster.status()).nodes.every(({ status: own }) => own && own.hot_shards.length === 0), 60_000);
    await cluster.command("rebalance");
    const back = await cluster.settled({ replicas: 3 });
    assert.deepEqual(back.balance, []);
    for (const shard of hot.keys()) assert.equal(back.shards[shard].owner, "n1");
  });
});
