// What a node of a cluster does not start with: it ends by itself, says why, and leaves its data and the cluster as they
// were. More of it is in cluster_tls.test.mjs (ports and certificates) and cluster_change.test.mjs (a disk taken out).
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { close_clients, fresh_name, open_editor, read_afresh } from "./support/client.mjs";
import { Cluster, Etcd, with_cluster } from "./support/cluster.mjs";
import { free_port, octavo_bin, root_dir, with_server } from "./support/server.mjs";

afterEach(close_clients);

const folder = await mkdtemp(join(tmpdir(), "octavo-refusals-"));
after(() => rm(folder, { recursive: true }));
let folder_count = 0;
const fresh_folder = () => join(folder, `${++folder_count}`);

// Whoever finds a name taken waits until it could have run out.
const refusal_timeout_ms = 60_000;

/** The server is started, ends by itself, its last word is the reason, and the nodes that etcd knows are the same. */
async function refused(reason, { node, etcd, data_dir = fresh_folder(), args = [], env = {} }) {
  const serve = ["serve", "--listen", `127.0.0.1:${await free_port()}`, "--data", data_dir, "--web", join(root_dir, "web/dist")];
  serve.push("--node", node, "--cluster", etcd.url, "--peer-listen", `127.0.0.1:${await free_port()}`, ...args);
  const options = { cwd: root_dir, env: { ...process.env, ...env }, timeout: refusal_timeout_ms, killSignal: "SIGKILL" };
  const nodes_before = await node_records(etcd);
  const outcome = await promisify(execFile)(octavo_bin, serve, options).catch((error) => error);
  assert.equal(outcome.signal, null, `it was not refused:\n${outcome.stderr}`);
  assert.ok(outcome.code > 0, `it ended as if nothing were wrong:\n${outcome.stderr}`);
  assert.match(outcome.stderr.trimEnd().split("\n").at(-1), reason);
  assert.deepEqual(await node_records(etcd), nodes_before);
}

/** A small cluster: one replica of each shard, so that one node is enough. */
const alone = { nodes: 1, shards: 4, args: ["--replicas", "1"] };

async function with_etcd(body) {
  const etcd = new Etcd();
  try {
    return await body(await etcd.start());
  } finally {
    await etcd.dispose();
  }
}

// --- etcd's JSON gateway -----------------------------------------------------------------------------------------

const base64 = (text) => Buffer.from(text).toString("base64");

async function ask(etcd, what, body) {
  const answer = await fetch(`http://${etcd.host}:${etcd.port}/v3/${what}`, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, `etcd answered ${answer.status}`);
  return answer.json();
}
const node_keys = "octavo/node/";
/** All that etcd holds whose key begins with `prefix`, by key. */
async function held(etcd, prefix = "octavo") {
  const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  const { kvs = [] } = await ask(etcd, "kv/range", { key: base64(prefix), range_end: base64(end) });
  return new Map(kvs.map(({ key, value }) => [Buffer.from(key, "base64"), Buffer.from(value, "base64")].map(String)));
}
/** What nodes say of themselves, by name. */
async function node_records(etcd) {
  const records = await held(etcd, node_keys);
  return Object.fromEntries([...records].map(([key, value]) => [key.slice(node_keys.length), JSON.parse(value)]));
}
async function put_on_lease(etcd, key, value, lease_s = 600) {
  const { ID } = await ask(etcd, "lease/grant", { TTL: lease_s });
  await ask(etcd, "kv/put", { key: base64(key), value: base64(value), lease: ID });
}

// -----------------------------------------------------------------------------------------------------------------

async function leave_document(server) {
  const name = fresh_name("kept");
  const editor = await open_editor(server, name);
  editor.text.insert(0, "what was here before");
  await editor.until_durable();
  editor.close();
  return name;
}
async function finds_document(server, name) {
  const found = await read_afresh(server, name, { timeout_ms: 60_000 });
  assert.equal(found.getText("text").toString(), "what was here before");
}

test("data of another cluster is refused, where there is one and where there is none yet, and goes on with its own", async () => {
  await with_cluster(alone, async (theirs) => {
    const [node] = theirs.nodes;
    const name = await leave_document(node);
    await node.stop();
    const bound_to = await readFile(join(node.data_dir, "CLUSTER"), "utf8");
    assert.match(bound_to, /^[0-9a-f]{32}\n$/);
    const with_its_data = { node: "n7", data_dir: node.data_dir };
    await with_cluster(alone, async (ours) => {
      await refused(/data belongs to cluster ([0-9a-f]{32}), and the one in etcd is (?!\1)[0-9a-f]{32}: give the right etcd, or another --data/, {
        ...with_its_data,
        etcd: ours.etcd,
      });
    });
    await with_etcd(async (etcd) => {
      await refused(/data belongs to cluster [0-9a-f]{32}, and etcd knows of none under octavo\/: give the etcd that the cluster was made with/, {
        ...with_its_data,
        etcd,
      });
      assert.deepEqual(await held(etcd), new Map(), "no cluster was made");
    });
    assert.equal(await readFile(join(node.data_dir, "CLUSTER"), "utf8"), bound_to);
    await node.start();
    await finds_document(node, name);
  });
});

test("documents of a node that was alone are refused, and it goes on alone", async () => {
  const data_dir = fresh_folder();
  const name = await with_server({ data_dir }, leave_document);
  await with_etcd(async (etcd) => {
    await refused(/holds the documents of a node that was alone; give a cluster's node a new --data, and bring the documents in with octavo doc import/, {
      node: "n1",
      etcd,
      data_dir,
    });
    assert.deepEqual(await held(etcd), new Map(), "no cluster was made");
  });
  assert.ok(!existsSync(join(data_dir, "CLUSTER")), "it belongs to no cluster");
  await with_server({ data_dir }, (server) => finds_document(server, name));
});

/** Preloaded, it moves the wall clock of one process; undefined where there is no compiler. */
const clock_library = await (async () => {
  const source = join(dirname(fileURLToPath(import.meta.url)), "torture/clock.c");
  const library = join(folder, "clock.so");
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source], { stdio: "pipe" });
    return library;
  } catch {
    return undefined;
  }
})();
/** The environment of a node whose wall clock is so much ahead. */
async function clock_ahead(seconds) {
  const file = fresh_folder();
  const offset = Buffer.alloc(8);
  offset.writeBigInt64LE(BigInt(seconds));
  await writeFile(file, offset);
  // A build with ASan wants to be loaded before all others.
  const ASAN_OPTIONS = [process.env.ASAN_OPTIONS, "verify_asan_link_order=0"].filter(Boolean).join(":");
  return { LD_PRELOAD: clock_library, OCTAVO_TEST_CLOCK: file, ASAN_OPTIONS };
}

test("a clock that is far from etcd's is refused, unless it is allowed", { skip: clock_library ? false : "no C compiler" }, async () => {
  await with_cluster(alone, async ({ etcd, nodes: [n1] }) => {
    const data_dir = fresh_folder();
    const tried = { node: "n2", etcd, data_dir };
    await refused(/clock is [56]\d s ahead of etcd's: set both \(NTP\), or allow it with --clock-skew-max/, { ...tried, env: await clock_ahead(60) });
    await refused(/clock is [56]\d s behind etcd's/, { ...tried, env: await clock_ahead(-60) });
    await refused(/clock is 3[56]\d\d s ahead of etcd's/, { ...tried, env: await clock_ahead(3_600), args: ["--clock-skew-max", "5min"] });
    assert.ok(!existsSync(join(data_dir, "CLUSTER")), "it belongs to no cluster yet");
    const peer = ["--peer-listen", `127.0.0.1:${await free_port()}`];
    const args = ["--node", "n2", "--cluster", etcd.url, ...peer, "--clock-skew-max", "5min"];
    await with_server({ data_dir, args, env: await clock_ahead(60) }, async (n2) => finds_document(n2, await leave_document(n1)));
  });
});

test("of two nodes of one name that are started at once one is refused, and so it is as long as the other runs", async () => {
  const cluster = new Cluster({ ...alone, nodes: 0 });
  try {
    await cluster.start();
    const { etcd } = cluster;
    const twins = [await cluster.make_node(), await cluster.make_node()];
    cluster.nodes.push(...twins);
    for (const one of twins) assert.equal(one.args[one.args.indexOf("--node") + 1], "n1");
    const outcomes = await Promise.allSettled(twins.map((one) => one.start()));
    const [winner] = twins.filter((one) => one.running);
    const [loser] = twins.filter((one) => one !== winner);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const winner_peer = winner.args[winner.args.indexOf("--peer-listen") + 1];
    const reason = new RegExp(`a node named n1 is running at ${winner_peer.replaceAll(".", "\\.")}: give this one another --node`);
    assert.match(loser.log(), reason);
    const editor = await open_editor(winner, fresh_name("twin"));
    assert.equal((await node_records(etcd)).n1.peer, winner_peer);
    await refused(reason, { node: "n1", etcd, data_dir: loser.data_dir });
    editor.text.insert(0, "still here");
    await editor.until_durable();
    assert.deepEqual(editor.close_events, [], "whoever was there first has noticed nothing");
    // Under a name of its own it is welcome.
    loser.args[loser.args.indexOf("--node") + 1] = "n2";
    await loser.start();
    assert.deepEqual(Object.keys(await node_records(etcd)), ["n1", "n2"]);
  } catch (error) {
    console.error(cluster.log());
    throw error;
  } finally {
    await cluster.dispose();
  }
});

test("of a disk that was copied only one may run, whichever it is", async () => {
  await with_cluster(alone, async ({ etcd, nodes: [n1] }) => {
    const name = await leave_document(n1);
    await n1.stop();
    const copy = fresh_folder();
    await cp(n1.data_dir, copy, { recursive: true });
    await n1.start();
    await refused(/node n1 has the same disk id: was its data copied here\?/, { node: "n2", etcd, data_dir: copy });
    await finds_document(n1, name);
    await n1.stop();
    const args = ["--node", "n2", "--cluster", etcd.url, "--peer-listen", `127.0.0.1:${await free_port()}`];
    await with_server({ data_dir: copy, args }, async () => {
      await assert.rejects(n1.start());
      assert.match(n1.log(), /node n2 has the same disk id: was its data copied here\?/);
    });
    await n1.start();
    await finds_document(n1, name);
  });
});

test("a copy of a disk does not take the place of the node that runs, under its name neither", async () => {
  await with_cluster(alone, async ({ etcd, nodes: [n1] }) => {
    await n1.stop();
    const copy = fresh_folder();
    await cp(n1.data_dir, copy, { recursive: true });
    await n1.start();
    await refused(/n1/, { node: "n1", etcd, data_dir: copy });
  });
});

test("a node that speaks otherwise than those that run is refused, and only as long as they run", async () => {
  await with_cluster(alone, async ({ etcd, nodes: [n1] }) => {
    const { n1: own } = await node_records(etcd);
    const name = await leave_document(n1);
    await n1.stop();
    assert.deepEqual(await node_records(etcd), {}, "it is gone");
    // As it would stand there of a node of another version; nobody runs who could be misled by it.
    const other = { ...own, name: "n8", member: "00000000000abcde", peer: "127.0.0.1:1" };
    const key = `${node_keys}n8`;
    const refusals = [
      [{ wire: own.wire + 1 }, `node n8 runs with wire version ${own.wire + 1}, and this one with ${own.wire}: nodes of one cluster must run the same`],
      [{ caf: "0.0.1" }, `node n8 runs with CAF 0\\.0\\.1, and this one with ${own.caf}: nodes of one cluster must run the same`],
    ];
    for (const [change, reason] of refusals) {
      await put_on_lease(etcd, key, JSON.stringify({ ...other, ...change }));
      await refused(new RegExp(reason), { node: "n1", etcd, data_dir: n1.data_dir });
      assert.deepEqual(Object.keys(await node_records(etcd)), ["n8"]);
    }
    await ask(etcd, "kv/deleterange", { key: base64(key) });
    await n1.start();
    await finds_document(n1, name);
  });
});

test("an even number of replicas is refused, and no cluster is made", async () => {
  await with_etcd(async (etcd) => {
    for (const count of ["2", "4"])
      await refused(new RegExp(`--replicas ${count}: 1, 3 or 5; an even number survives no more than one less`), {
        node: "n1",
        etcd,
        args: ["--replicas", count],
      });
    assert.deepEqual(await held(etcd), new Map());
  });
});
