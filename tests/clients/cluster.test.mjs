// Several nodes, and clients on all of them: what they see of each other, and of a node's end.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Editor, close_clients, fresh_name, read_afresh } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { leave_documents } from "./support/left.mjs";
import { open_rooms } from "./support/rooms.mjs";
import { sleep, wait_for } from "./support/server.mjs";

afterEach(close_clients);

test("what is typed on one node reaches the clients of all, and the disks of all", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const rooms = await open_rooms(cluster, 4, "spread");
    await rooms.type(3);
    await rooms.converged();
    await rooms.same_on_disks(3);
  });
});

test("a node is killed while people type: those of the others keep their sockets, and every word is there, once", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const rooms = await open_rooms(cluster, 6, "kill");
    await rooms.type(10, 50);
    const closed_before = rooms.closes();
    await cluster.node(0).kill();
    await rooms.type(20, 100);
    await rooms.converged({ of: (i) => i !== 0 });
    const closed = rooms.closes();
    for (const [r, before] of closed_before.entries())
      for (const i of [1, 2]) assert.equal(closed[r][i], before[i], "the socket stayed");
    await cluster.node(0).start();
    await rooms.converged();
  });
});

test("whoever takes a document over has it in memory before anybody asks, if it was edited lately", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const { shards } = await cluster.settled({ replicas: 3 });
    const name = fresh_name("warm");
    const owner = Number(shards[await cluster.shard_of(name)].owner.slice(1)) - 1;
    const others = [0, 1, 2].filter((at) => at !== owner);
    const editor = await new Editor(cluster.node(owner), name).synced();
    for (const word of ["one ", "two ", "three"]) {
      editor.text.insert(editor.text.length, word);
      await editor.until_durable();
    }
    await close_clients();
    const open = (at) => cluster.node(at).metric("octavo_documents_open");
    const open_elsewhere = async () => (await Promise.all(others.map(open))).reduce((sum, one) => sum + one);
    assert.equal(await open_elsewhere(), 0);
    await cluster.node(owner).kill();
    await wait_for("one of the others has it", async () => (await open_elsewhere()) === 1);
    const late = await new Editor(cluster.node(others[0]), name).synced();
    assert.equal(late.text.toString(), "one two three");
  });
});

test("nodes are killed in turn and etcd with them, then all at once: what was called durable is there, once, on every node", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const rooms = await open_rooms(cluster, 4, "turn");
    const left = await leave_documents(cluster, 6, "turn");
    await left.write(cluster.nodes);
    await rooms.type(10);
    for (let victim = 0; victim < 3; ++victim) {
      // Without etcd people go on typing; only nobody can take over.
      if (victim === 1) {
        await cluster.etcd.kill();
        await rooms.type(10);
        await left.write(cluster.nodes);
        await cluster.etcd.start();
        await sleep(2_000);
      }
      const others = cluster.nodes.filter((_, i) => i !== victim);
      await cluster.node(victim).kill();
      await rooms.type(20);
      await left.still_there(others);
      await left.write(others);
      await cluster.node(victim).start();
      await rooms.type(20);
    }
    await left.still_there(cluster.nodes);
    await rooms.converged();
    await rooms.durable();
    // And somebody who was never there finds all of it, on each node: now, and after the power was cut for all of them
    // while nobody was there who could bring it back.
    const texts = rooms.rooms.map(({ editors }) => editors[0].text.toString());
    close_clients();
    const find_everything = async () => {
      for (const node of cluster.nodes)
        for (const [r, { name }] of rooms.rooms.entries()) {
          const found = await read_afresh(node, name, { timeout_ms: 60_000 });
          assert.equal(found.getText("text").toString(), texts[r]);
        }
      await left.still_there(cluster.nodes);
    };
    await find_everything();
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await find_everything();
  });
});
