// A cluster that changes while people type: nodes lose their disks, come, are drained and removed; documents move.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { close_clients, converge, fresh_name, open_editor, read_afresh } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { same_on_disks } from "./support/disks.mjs";
import { leave_documents } from "./support/left.mjs";
import { open_rooms } from "./support/rooms.mjs";
import { sleep, wait_for } from "./support/server.mjs";
import { Writer, assert_written, while_all_write } from "./support/writers.mjs";

afterEach(close_clients);

test("an owner's machine is lost with its disk and comes back empty: every word is there, once, on its new disk too", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    const rooms = await open_rooms(cluster, 4, "wipe");
    await rooms.type(20);
    const before = await cluster.settled({ replicas: 3 });
    const owner = before.shards.find((one) => one.owner === "n1");
    assert.ok(owner, "n1 owns something");
    // Those who type offer what is missing when they come back. Of these documents nobody is left who could.
    const left = await leave_documents(cluster, 3, "wipe", { owner: "n1" });
    await left.write(cluster.nodes);
    await cluster.node(0).kill();
    await rm(cluster.node(0).data_dir, { recursive: true });
    await rooms.type(20);
    await left.still_there(cluster.nodes.slice(1));
    await left.write(cluster.nodes.slice(1));
    await cluster.node(0).start();
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    await left.still_there(cluster.nodes);
    // Now a majority needs what the new disk has.
    await cluster.node(1).kill();
    await rooms.type(20);
    await left.still_there([cluster.node(0), cluster.node(2)]);
    await rooms.converged({ of: (i) => i !== 1 });
    await cluster.node(1).start();
    await rooms.converged();
    await rooms.durable();
    await cluster.settled({ replicas: 3 });
    await left.still_there(cluster.nodes);
    await rooms.same_on_disks(3);
    assert.deepEqual(await same_on_disks(cluster.nodes, left.names, 3), left.texts);
  });
});

/** A bit in the middle of the largest table of documents' logs, which no start reads, is another one. */
async function damage_disk({ data_dir }) {
  const folder = join(data_dir, "db");
  const tables = (await readdir(folder)).filter((name) => name.endsWith(".sst"));
  const sized = await Promise.all(tables.map(async (name) => ({ path: join(folder, name), bytes: await readFile(join(folder, name)) })));
  const logs = sized.filter(({ bytes }) => bytes.includes("\u0004\u0003namelog") /* its column family's name */);
  const [{ path, bytes }] = logs.sort((one, other) => other.bytes.length - one.bytes.length);
  assert.ok(bytes.length > 500_000, `the largest table has ${bytes.length} bytes`);
  bytes[bytes.length >> 1] ^= 0x10;
  await writeFile(path, bytes);
}

/** As whoever watches over nodes does it: those that have ended are started, again and again. */
async function watch_over(nodes, until) {
  let is_over = false;
  const watching = nodes.map(async (node) => {
    while (!is_over) {
      if (node.pid === undefined) await node.start().catch(() => {});
      await sleep(100);
    }
  });
  try {
    return await until;
  } finally {
    is_over = true;
    await Promise.all(watching);
  }
}

test("two nodes whose disks change bits where nobody reads find it, and begin anew one after the other", async () => {
  await with_cluster({ nodes: 3, args: ["--scrub-interval", "1s"] }, async (cluster) => {
    const rooms = await open_rooms(cluster, 3, "rot");
    const left = await leave_documents(cluster, 3, "rot");
    await left.write(cluster.nodes);
    const [n1, n2] = cluster.nodes;
    const begun_anew = (node) => /is kept in \S*set-aside-\S*, and this node gets everything anew/.test(node.log());
    await rooms.type(20);
    for (const { editors, words } of rooms.rooms) {
      const word = `[${randomBytes(400_000).toString("hex")}]`;
      editors[0].text.insert(0, word);
      words.push(word);
    }
    await rooms.converged();
    await rooms.durable();
    for (const node of [n1, n2]) {
      await cluster.settled({ replicas: 3 });
      await node.stop(); // what the log holds goes to tables at the next start
      await node.start();
    }
    await cluster.settled({ replicas: 3 });
    await Promise.all([n1.kill(), n2.kill()]);
    await Promise.all([damage_disk(n1), damage_disk(n2)]);
    await watch_over(
      [n1, n2],
      rooms.type_while(wait_for("both have begun anew", () => begun_anew(n1) && begun_anew(n2), 90_000)),
    );
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    await rooms.converged();
    await rooms.durable();
    await left.still_there(cluster.nodes);
    const wants_a_look = await Promise.all(cluster.nodes.map((node) => node.metric("octavo_store_damaged")));
    assert.deepEqual(wants_a_look, [1, 1, 0], "somebody ought to look at the disks");

    // A disk that fails again wants a person. Until then the node serves on as well as it can, or does not start.
    await n1.stop();
    await n1.start();
    await cluster.settled({ replicas: 3 });
    await n1.kill();
    await damage_disk(n1);
    const said = n1.log().length;
    await n1.start().catch(() => {});
    await rooms.type_while(
      wait_for("it asks for a person", () => /another store was set aside in \S*set-aside-.*remove that folder/.test(n1.log().slice(said)), 30_000),
    );
    for (const name of await readdir(n1.data_dir))
      if (name.startsWith("set-aside-")) await rm(join(n1.data_dir, name), { recursive: true });
    await watch_over([n1], rooms.type_while(wait_for("it has begun anew once more", () => begun_anew({ log: () => n1.log().slice(said) }), 60_000)));
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    await rooms.converged();
    await rooms.durable();
    await cluster.settled({ replicas: 3 });
    await left.still_there(cluster.nodes);
    await rooms.same_on_disks(3);
    assert.deepEqual(await same_on_disks(cluster.nodes, left.names, 3), left.texts);
  });
});

test("a node that was away while others wrote more than they keep for it gets the documents", async () => {
  await with_cluster({ nodes: 3, shards: 2 }, async (cluster) => {
    const rooms = await open_rooms(cluster, 2, "late");
    await rooms.type(5);
    await cluster.settled({ replicas: 3 });
    await cluster.node(2).kill();
    // Of a shard's log 4 MiB are kept for who is away.
    for (let i = 0; i < 24; ++i) {
      for (const { editors, words } of rooms.rooms) {
        const word = `[${i}:${"x".repeat(400_000)}]`;
        editors[0].text.insert(0, word);
        words.push(word);
      }
      await sleep(50);
    }
    await rooms.converged({ of: (i) => i !== 2 });
    await cluster.node(2).start();
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    await rooms.converged();
    await rooms.durable();
    assert.match(cluster.node(2).log(), /has its documents from/);
    await rooms.same_on_disks(3);
  });
});

test("documents move, a node is drained, one more comes, and everything is restarted in turn: no word is lost or doubled", async () => {
  await with_cluster({ nodes: 3, args: ["--drain-time", "1s"] }, async (cluster) => {
    const rooms = await open_rooms(cluster, 4, "move");
    const left = await leave_documents(cluster, 4, "move");
    await left.write(cluster.nodes);
    await rooms.type(5);
    await cluster.settled({ replicas: 3 });
    const closed_before = rooms.closes();
    for (const node of ["n1", "n2", "n3", "n1"])
      for (const { name } of [...rooms.rooms, ...left.documents]) await rooms.type_while(cluster.command("move", name, node));
    await rooms.converged();
    assert.deepEqual(rooms.closes(), closed_before, "no socket was closed by a move");
    await rooms.type_while(cluster.command("rebalance"));
    await rooms.type_while(cluster.command("drain", "n1"));
    let status = await cluster.status();
    assert.equal(status.nodes.find((one) => one.node === "n1").owns, 0);
    assert.equal(status.nodes.find((one) => one.node === "n1").replicas, 16, "two nodes are too few for three replicas");
    await rooms.converged();
    assert.equal((await fetch(`${cluster.node(0).http_url}/readyz`)).status, 503, "load balancers turn away");
    const drained = closed_before.map(([first, ...rest]) => [first + 1, ...rest]);
    await wait_for("the drained node's sockets are closed", () => rooms.closes().every(([first], i) => first === drained[i][0]));
    await rooms.type_while(sleep(1_000));
    await rooms.converged();
    assert.deepEqual(rooms.closes(), drained, "once, and no others");
    await rooms.type_while(cluster.add_node());
    await rooms.type_while(
      wait_for(
        "the newcomer takes the drained one's place",
        async () => (await cluster.status()).nodes.find((one) => one.node === "n1").replicas === 0,
        60_000,
      ),
    );
    await cluster.command("drain", "--undo", "n1");
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    await left.still_there(cluster.nodes);
    await left.write(cluster.nodes);
    status = await cluster.status();
    for (const one of status.nodes) assert.ok(one.replicas > 0, `${one.node} has its share`);
    const lost_before = rooms.losses();
    for (const node of cluster.nodes) {
      await rooms.type_while(node.stop());
      await rooms.type(10);
      await rooms.type_while(node.start());
      await rooms.type_while(cluster.settled({ replicas: 3 }));
    }
    await rooms.converged();
    assert.deepEqual(rooms.losses(), lost_before.map((each) => each.map((times) => times + 1)), "each socket was closed once");
    await rooms.durable();
    await left.still_there(cluster.nodes);
    await rooms.same_on_disks(3);
    assert.deepEqual(await same_on_disks(cluster.nodes, left.names, 3), left.texts);
  });
});

// This process hands each word to all of them.
const crowd_pause_ms = 100;

/** Somebody who only reads: what is seen once stays, and nothing comes a second time. */
class Viewer {
  constructor(editor) {
    Object.assign(this, { editor, deleted: 0, inserted: 0 });
    editor.text.observe(({ delta }) => {
      for (const { delete: gone = 0, insert = "" } of delta) {
        this.deleted += gone;
        this.inserted += insert.length;
      }
    });
  }
}

test("one document moves again and again under those who write and read it: every word is there, once, in its writer's order, and no socket closes", async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    await cluster.settled({ replicas: 3 });
    const name = fresh_name("moving");
    const open_at = (i) => open_editor(cluster.node(i % 3), name);
    const writers = (await Promise.all(Array.from({ length: 24 }, (_, i) => open_at(i)))).map((editor, i) => new Writer(i, editor));
    const viewers = (await Promise.all([0, 1, 2].map(open_at))).map((editor) => new Viewer(editor));
    const owner = async () => JSON.parse((await cluster.command("where", name, "--json")).stdout).owner;
    const first = Number((await owner()).slice(1));
    for (let step = 0; step < 9; ++step) {
      const next = `n${((first + step) % 3) + 1}`;
      await while_all_write(writers, cluster.command("move", name, next), crowd_pause_ms);
      assert.equal(await owner(), next);
      // Some moves come while there is nothing under way, and some at once.
      if (step % 3 === 0) await sleep(500);
    }
    await while_all_write(writers, cluster.command("rebalance"), crowd_pause_ms);
    const people = [...writers, ...viewers].map(({ editor }) => editor);
    const text = await converge(people, 60_000);
    assert_written(text, writers);
    for (const { deleted, inserted } of viewers) assert.deepEqual({ deleted, inserted }, { deleted: 0, inserted: text.length });
    for (const one of people) await one.until_durable(1, 60_000);
    for (const one of people) assert.deepEqual([one.close_events, one.times_lost], [[], 0], "no socket was closed");
    // And so has whoever never had a word of it.
    close_clients();
    for (const node of cluster.nodes) {
      const found = await read_afresh(node, name);
      assert_written(found.getText("text").toString(), writers);
    }
    await cluster.stop();
    assert.equal((await same_on_disks(cluster.nodes, [name], 3)).get(name), text);
  });
});

test("a node that is gone for good is taken out, and what cannot be meant is refused with a reason", async () => {
  await with_cluster({ nodes: 4 }, async (cluster) => {
    const rooms = await open_rooms(cluster, 3, "gone");
    await rooms.type(5);
    await cluster.settled({ replicas: 3 });
    const refused = async (expected, ...args) =>
      assert.rejects(cluster.command(...args), (error) => {
        assert.match(error.stderr, expected);
        return true;
      });
    await refused(/no node n9 .* n1, n2, n3, n4/, "move", rooms.rooms[0].name, "n9");
    await refused(/no node n9/, "drain", "n9");
    await refused(/is running: drain it/, "remove", "n4");
    await cluster.node(3).kill();
    await wait_for("n4 is away", async () => !(await cluster.status()).nodes.find((one) => one.node === "n4").http, 20_000);
    await rooms.type_while(cluster.command("remove", "n4"));
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    assert.ok(!(await cluster.status()).nodes.some((one) => one.node === "n4"));
    await rooms.converged({ of: (i) => i !== 3 });
    // It comes back as if nothing had been.
    await assert.rejects(cluster.node(3).start());
    assert.match(cluster.node(3).log(), /taken out of the cluster/);
    await rm(cluster.node(3).data_dir, { recursive: true });
    await cluster.node(3).start();
    await rooms.type_while(cluster.settled({ replicas: 3 }));
    await rooms.converged();
  });
});
