// What a cluster costs beside a single node, and what viewers of one document cost its owner.
//
//   node bench/cluster/load.mjs [--documents 300] [--viewers 10000] [--seconds 15] [--rate 5]
//
// Three nodes, etcd and all clients share this machine's cores, so that rates say little; what counts is the processor
// time of the nodes for each edit, and how it changes. OCTAVO_BIN is the server, or build/release/octavo; the load is
// build/release/bench/load/octavo_load.

import { execFile, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { Editor, close_clients, fresh_name } from "../../tests/clients/support/client.mjs";
import { with_cluster } from "../../tests/clients/support/cluster.mjs";
import { root_dir, sleep, with_server } from "../../tests/clients/support/server.mjs";

const own_path = fileURLToPath(import.meta.url);
if (process.send) await view();
const { values } = parseArgs({
  options: {
    documents: { type: "string", default: "300" },
    viewers: { type: "string", default: "10000" },
    seconds: { type: "string", default: "15" },
    rate: { type: "string", default: "5" },
  },
});

/** Processor time of a process so far, in milliseconds. */
function cpu_ms(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10; // user and system, in ticks of 1/100 s
}
const cpu_of = (nodes) => nodes.map((node) => cpu_ms(node.pid));
const spent = (before, nodes) => cpu_of(nodes).map((now, i) => now - before[i]);

/** A writer and a reader on each document, all on one node. */
async function edits(title, nodes) {
  const load = join(root_dir, "build/release/bench/load/octavo_load");
  const at = ["--port", new URL(nodes[0].http_url).port, "ramp", "--prefix", fresh_name("load"), "--documents", values.documents];
  const how = ["--writers", "1", "--readers", "1", "--first-rate", "100", "--factor", "2", "--refinements", "2"];
  const durable = async () => {
    const each = await Promise.all(nodes.map((node) => node.metric("octavo_edits_total")));
    return each.reduce((sum, one) => sum + one, 0);
  };
  const [before, edits_before] = [cpu_of(nodes), await durable()];
  const { stdout } = await promisify(execFile)(load, [...at, ...how], { maxBuffer: 1 << 26 });
  const used_ms = spent(before, nodes).reduce((sum, one) => sum + one, 0);
  const { rate } = JSON.parse(stdout);
  const replicas = nodes.length === 1 ? 1 : 3;
  const count = ((await durable()) - edits_before) / replicas;
  console.log(`${title.padEnd(40)} ${Math.round(rate)} edits/s at p99 100 ms   ${((used_ms * 1000) / count).toFixed(0)} µs of all nodes' time each`);
}

// --- viewers -------------------------------------------------------------------------------------------------------

/** In a process of its own: opens sockets that only listen, and counts what they are told. */
async function view() {
  const require = createRequire(join(root_dir, "tests/clients/package.json"));
  const { WebSocket } = require("ws");
  const hello = Buffer.from([0, 0, 1, 0]); // sync step 1 with an empty state vector
  let told = 0;
  process.on("message", async ({ url, count, report }) => {
    if (report) return process.send({ told: Number(told), pid: process.pid });
    for (let i = 0; i < count; ++i) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.on("error", () => {});
      socket.on("message", (data) => {
        if (data[0] === 0 && data[1] === 2) ++told;
      });
      await new Promise((done) => socket.once("open", done));
      socket.send(hello);
    }
    process.send({ open: count });
  });
  await new Promise(() => {});
}

async function viewers(cluster) {
  const name = fresh_name("seen");
  const editor = await new Editor(cluster.node(0), name).synced();
  await cluster.command("move", name, "n1");
  await sleep(2_000);
  const measure = async (title, told) => {
    const owner_told = await cluster.node(0).metric("octavo_broadcasts_total");
    const heard = await told();
    const before = cpu_of(cluster.nodes);
    const until = performance.now() + Number(values.seconds) * 1000;
    let typed = 0;
    while (performance.now() < until) {
      editor.text.insert(0, "x");
      ++typed;
      await sleep(1000 / Number(values.rate));
    }
    const [owner, ...others] = spent(before, cluster.nodes).map((ms) => ms / Number(values.seconds) / 10);
    await sleep(1_000);
    const broadcasts = (await cluster.node(0).metric("octavo_broadcasts_total")) - owner_told;
    const frames = (await told()) - heard;
    console.log(
      `${title.padEnd(40)} owner ${owner.toFixed(1)} %, others ${others.map((one) => one.toFixed(1)).join(" and ")} % of a core; ` +
        `${typed} edits, ${broadcasts} broadcasts, ${frames} frames to viewers`,
    );
    return { typed, frames };
  };
  await measure("no viewers", async () => 0);
  const count = Number(values.viewers);
  const processes = 4;
  const children = [];
  for (let i = 0; i < processes; ++i) {
    const child = fork(own_path);
    children.push(child);
    const opened = new Promise((done) => child.once("message", done));
    child.send({ url: `${cluster.node(1 + (i % 2)).ws_url}/${name}`, count: count / processes });
    await opened;
  }
  const told = async () => {
    const each = children.map((child) => {
      const answer = new Promise((done) => child.once("message", done));
      child.send({ report: true });
      return answer;
    });
    return (await Promise.all(each)).reduce((sum, one) => sum + one.told, 0);
  };
  await sleep(3_000);
  const { typed, frames } = await measure(`${count} viewers on the two other nodes`, told);
  console.log(`each viewer got ${(frames / count).toFixed(1)} frames for ${typed} edits`);
  for (const child of children) child.kill();
  close_clients();
}

await with_server({}, async (server) => edits("one node alone", [server]));
await with_cluster({ nodes: 3, shards: 64 }, async (cluster) => {
  await cluster.settled({ replicas: 3 });
  await edits("three nodes, three replicas", cluster.nodes);
  if (Number(values.viewers) > 0) await viewers(cluster);
});
process.exit(0);
