// A node that has too much to do gives documents away by itself, says why, and they do not go to and fro.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import * as encoding from "lib0/encoding";
import * as syncProtocol from "y-protocols/sync";
import WebSocket from "ws";
import * as Y from "yjs";
import { Editor, close_clients, fresh_name } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { sleep, wait_for } from "./support/server.mjs";

afterEach(close_clients);

const message_sync = 0;
const hot_shards = 3;
const edits_of_a_frame = 50;
const frames_at_once = 6;
const pause_ms = 5;

/** Five bytes, whatever the client: so one can be put in another's place. */
const first_client = 0x7000_0000;
function client_bytes(client) {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, client);
  return encoding.toUint8Array(encoder);
}

/**
 * Messages of somebody who writes a lot and erases it again, so that the document stays small; and where each of them
 * names the client.
 */
function make_frames(count) {
  const doc = new Y.Doc();
  doc.clientID = first_client;
  const pattern = Buffer.from(client_bytes(first_client));
  const frames = [];
  doc.on("update", (update) => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, message_sync);
    syncProtocol.writeUpdate(encoder, update);
    const bytes = Buffer.from(encoding.toUint8Array(encoder));
    const places = [];
    for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1)) places.push(at);
    frames.push({ bytes, places });
  });
  const text = doc.getText("noise");
  for (let i = 0; i < count; ++i)
    doc.transact(() => {
      for (let each = 0; each < edits_of_a_frame; ++each) text.insert((each * 7919 + i) % (text.length + 1), "x");
      text.delete(0, text.length);
    });
  return frames;
}

/** The frames again and again, each time as another client. */
class Noise {
  constructor(server, name, frames) {
    Object.assign(this, { frames, next: 0, client: first_client });
    this.socket = new WebSocket(`${server.ws_url}/${name}`);
    this.socket.binaryType = "arraybuffer";
    this.opened = new Promise((done) => this.socket.addEventListener("open", done));
  }
  send() {
    if (this.socket.readyState !== WebSocket.OPEN || this.socket.bufferedAmount > 1 << 20) return;
    for (let i = 0; i < frames_at_once; ++i) {
      if (this.next === this.frames.length) [this.next, this.client] = [0, this.client + 1];
      const { bytes, places } = this.frames[this.next++];
      const own = Buffer.from(bytes);
      const id = client_bytes(this.client);
      for (const at of places) own.set(id, at);
      this.socket.send(own);
    }
  }
  close() {
    this.socket.close();
  }
}

/** The node that owns most, and for some of its shards two names of documents of each. */
async function pairs_of(cluster, count) {
  const { shards, nodes } = await cluster.settled({ replicas: 3 });
  const owner = [...nodes].sort((one, other) => other.owns - one.owns)[0].node;
  const found = new Map();
  const whole = () => [...found.values()].filter((names) => names.length === 2).length;
  while (whole() < count) {
    const name = fresh_name("hot");
    const shard = await cluster.shard_of(name);
    if (shards[shard].owner !== owner) continue;
    const names = found.get(shard) ?? [];
    if (names.length < 2) found.set(shard, [...names, name]);
  }
  return { owner, hot: new Map([...found].filter(([, names]) => names.length === 2).slice(0, count)) };
}

test("hot documents leave a busy node while people type, status says why, and rebalance brings them back", async () => {
  const args = ["--balance-interval", "1s", "--balance-busy", "2"];
  await with_cluster({ nodes: 3, shards: 12, args }, async (cluster) => {
    const { owner, hot } = await pairs_of(cluster, hot_shards);
    const at_owner = cluster.node(Number(owner.slice(1)) - 1);
    const frames = make_frames(300);
    const noises = [];
    const people = [];
    for (const [loud, quiet] of hot.values()) {
      noises.push(new Noise(at_owner, loud, frames));
      for (const at of [0, 1, 2]) people.push(await new Editor(cluster.node(at), quiet).synced());
    }
    await Promise.all(noises.map(({ opened }) => opened));
    let words = 0;
    let is_over = false;
    const typing = (async () => {
      for (let round = 0; !is_over; ++round) {
        for (const noise of noises) noise.send();
        if (round % 20 === 0) {
          ++words;
          for (const [i, one] of people.entries()) one.text.insert(0, `<${words}.${i}>`);
        }
        await sleep(pause_ms);
      }
      for (const noise of noises) noise.close();
    })();
    const moved = async () => {
      const status = await cluster.status();
      return status.balance.length > 0 && status.shards[status.balance[0].shard].owner !== owner && status;
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
    assert.equal(first.from, owner);
    assert.match(first.why, /^it took \d+ % of a core of a node that was \d+ % busy, and the other one was \d+ % busy$/);
    assert.ok(first.time_ms > Date.now() - 120_000);
    const told = later.nodes.find(({ node }) => node === owner).status;
    assert.ok(told.busy_percent > 0 && told.cores >= 1, "what it did is told");
    assert.ok(later.nodes.some(({ status: own }) => own.changes.some(({ change, why }) => change === "move" && why === first.why)));
    // Each shard rests for six looks.
    const moves = later.nodes.reduce((sum, { status: own }) => sum + own.changes.filter(({ why }) => why.startsWith("it took")).length, 0);
    assert.ok(moves <= hot_shards + 1, `${moves} moves`);
    await wait_for("it is printed", async () => {
      const { balance } = await cluster.status();
      const printed = (await cluster.command("status")).stdout;
      const line = ({ shard, from, node, why }) => `shard ${shard} went from ${from} to ${node} for its load: ${why}\n`;
      return balance.length > 0 && balance.every((one) => printed.includes(line(one)));
    });

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
    for (const shard of hot.keys()) assert.equal(back.shards[shard].owner, owner);
  });
});
