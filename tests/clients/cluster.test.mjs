// Several nodes, and clients on all of them: what they see of each other, and of a node's end.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Editor, close_clients, fresh_name } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { sleep, wait_for } from "./support/server.mjs";

afterEach(close_clients);

/** All have the same text, with every one of the words, once. */
async function converged(editors, words, timeout_ms = 30_000) {
  await wait_for(
    "all editors have every word",
    () => editors.every((one) => words.every((word) => one.text.toString().includes(word))),
    timeout_ms,
  );
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
