// Several nodes, and clients on all of them: what they see of each other, and of a node's end.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Editor, close_clients, fresh_name } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { sleep, wait_for } from "./support/server.mjs";

afterEach(close_clients);

/** For whoever reads a failed test: who lacks how much, and in what state its connection is. */
function lacking(editors, words) {
  return editors
    .map((one) => {
      const missing = words.filter((word) => !one.text.toString().includes(word));
      const { wsconnected, synced } = one.provider;
      return `${missing.length} missing (${missing.slice(0, 3)}…) connected=${wsconnected} synced=${synced} closed=${one.close_events}`;
    })
    .join("\n");
}

/** All have the same text, with every one of the words, once. */
async function converged(editors, words, timeout_ms = 30_000) {
  try {
    await wait_for(
      "all editors have every word",
      () => editors.every((one) => words.every((word) => one.text.toString().includes(word))),
      timeout_ms,
    );
  } catch (error) {
    error.message += `\n${lacking(editors, words)}`;
    throw error;
  }
  await wait_for("all editors agree", () => new Set(editors.map((one) => one.text.toString())).size === 1, timeout_ms);
  const text = editors[0].text.toString();
  for (const word of words) assert.equal(text.split(word).length, 2, `${word} is there once`);
}

test("what is typed on one node reaches the clients of all", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const words = [];
    for (let d = 0; d < 4; ++d) {
      const name = fresh_name("spread");
      const editors = [];
      for (let i = 0; i < 3; ++i) editors.push(await new Editor(cluster.node(i), name).synced());
      for (const [i, one] of editors.entries()) one.text.insert(0, `<${d}-${i}>`);
      await converged(editors, [0, 1, 2].map((i) => `<${d}-${i}>`));
      words.push(name);
    }
  });
});

test("a node is killed while people type: those of the others keep their sockets, and every word is there, once", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const names = Array.from({ length: 6 }, () => fresh_name("kill"));
    const rooms = [];
    for (const name of names) {
      const editors = [];
      for (let i = 0; i < 3; ++i) editors.push(await new Editor(cluster.node(i), name).synced());
      rooms.push({ editors, words: [] });
    }
    let count = 0;
    const type = () => {
      for (const room of rooms)
        for (const [i, one] of room.editors.entries()) {
          const word = `<${++count}.${i}>`;
          one.text.insert(0, word);
          room.words.push(word);
        }
    };
    for (let round = 0; round < 10; ++round) {
      type();
      await sleep(50);
    }
    const closed_before = rooms.map((room) => room.editors.map((one) => one.close_events.length));
    await cluster.node(0).kill();
    for (let round = 0; round < 20; ++round) {
      type();
      await sleep(100);
    }
    for (const room of rooms) await converged(room.editors.slice(1), room.words.filter((word) => !word.endsWith(".0>")));
    for (const [r, room] of rooms.entries())
      for (const i of [1, 2]) assert.equal(room.editors[i].close_events.length, closed_before[r][i], "the socket stayed");
    await cluster.node(0).start();
    for (const room of rooms) await converged(room.editors, room.words, 60_000);
  });
});

test("nodes are killed in turn and etcd with them: what was called durable is there, once, on every node", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const names = Array.from({ length: 4 }, () => fresh_name("turn"));
    const rooms = [];
    for (const name of names) {
      const editors = [];
      for (let i = 0; i < 3; ++i) editors.push(await new Editor(cluster.node(i), name).synced());
      rooms.push({ editors, words: [] });
    }
    let count = 0;
    const type = async (rounds) => {
      for (let round = 0; round < rounds; ++round) {
        for (const room of rooms)
          for (const one of room.editors) {
            const word = `<${++count}>`;
            one.text.insert(0, word);
            room.words.push(word);
            if (one.provider.wsconnected) one.ask_durable(count);
          }
        await sleep(40);
      }
    };
    await type(10);
    for (let victim = 0; victim < 3; ++victim) {
      // Without etcd people go on typing; only nobody can take over.
      if (victim === 1) {
        await cluster.etcd.kill();
        await type(10);
        await cluster.etcd.start();
        await sleep(2_000);
      }
      await cluster.node(victim).kill();
      await type(20);
      await cluster.node(victim).start();
      await type(20);
    }
    for (const room of rooms) await converged(room.editors, room.words, 60_000);
    for (const room of rooms)
      await wait_for("all is durable", () => {
        for (const one of room.editors) if (one.provider.wsconnected) one.ask_durable(count + 1);
        return room.editors.every((one) => one.durable === count + 1);
      });
    // And somebody who was never there finds all of it, on each node.
    for (let i = 0; i < 3; ++i)
      for (const [r, name] of names.entries()) {
        const late = await new Editor(cluster.node(i), name).synced();
        assert.equal(late.text.toString(), rooms[r].editors[0].text.toString());
      }
  });
});
