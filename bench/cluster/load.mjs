// What a cluster costs beside a single node, and what viewers of one document cost its owner.
//
//   node bench/cluster/load.mjs [--documents 300] [--viewers 10000] [--seconds 15] [--rate 5] [--present 100]
//
// `present` of the viewers say where their cursor is, and move it once a second, in a second measurement.
//
// Three nodes, etcd and all clients share this machine's cores, so that rates say little; what counts is the processor
// time of the nodes for each edit, and how it changes. OCTAVO_BIN is the server, or build/release/octavo; the load is
// build/release/bench/load/octavo_load.

import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { Editor, close_clients, fresh_name, make_awareness, message, sync } from "../../tests/clients/support/client.mjs";
import { with_cluster } from "../../tests/clients/support/cluster.mjs";
import { root_dir, sleep, with_server } from "../../tests/clients/support/server.mjs";

const own_path = fileURLToPath(import.meta.url);
const cursor_ms = 1_000;
if (process.send) await view();
const { values } = parseArgs({
  options: {
    documents: { type: "string", default: "300" },
    viewers: { type: "string", default: "10000" },
    seconds: { type: "string", default: "15" },
    rate: { type: "string", default: "5" },
    present: { type: "string", default: "100" },
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

/** In a process of its own: opens sockets that listen, and counts what they are told; some say where their cursor is. */
async function view() {
  const require = createRequire(join(root_dir, "tests/clients/package.json"));
  const { WebSocket } = require("ws");
  const hello = Buffer.from([message.sync, sync.step1, 1, 0]); // with an empty state vector
  const sockets = [];
  const told = { edits: 0, presence: 0, presence_bytes: 0 };
  const count_frame = (data) => {
    if (data[0] === message.sync && data[1] === sync.update) ++told.edits;
    if (data[0] !== message.awareness || data[2] === 0) return; // or nobody's: a sign of life
    ++told.presence;
    told.presence_bytes += data.length;
  };
  const open = async (url, count) => {
    for (let i = 0; i < count; ++i) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("message", count_frame);
      await new Promise((done) => socket.once("open", done));
      socket.send(hello);
    }
  };
  const move_cursor = (socket, client, clock) => {
    const position = { type: null, tname: "text", item: null, assoc: clock };
    const state = { user: { name: `viewer ${client}`, color: "#7c3aed" }, cursor: { anchor: position, head: position } };
    socket.send(make_awareness([[client, clock, state]]));
  };
  const show = (count) => {
    for (const [at, socket] of sockets.slice(0, count).entries()) {
      const client = process.pid * 10_000 + at;
      let clock = 0;
      setTimeout(() => setInterval(() => move_cursor(socket, client, ++clock), cursor_ms), (at * cursor_ms) / count);
    }
  };
  process.on("message", async ({ url, count, present }) => {
    if (url) await open(url, count);
    if (present) show(present);
    process.send({ ...told });
  });
  await new Promise(() => {});
}

/** Processes with sockets to the document, half of them at each of the two nodes that do not own it. */
class Audience {
  constructor() {
    const processes = 4;
    this.children = Array.from({ length: processes }, () => fork(own_path));
    this.ending_ = new AbortController();
    for (const child of this.children) child.once("exit", () => this.ending_.abort());
  }
  async ask_(child, question) {
    child.send(question);
    const [answer] = await once(child, "message", { signal: this.ending_.signal });
    return answer;
  }
  async open(urls, count) {
    const share = count / this.children.length;
    for (const [at, child] of this.children.entries()) await this.ask_(child, { url: urls[at % urls.length], count: share });
  }
  show_presence(count) {
    return Promise.all(this.children.map((child) => this.ask_(child, { present: Math.ceil(count / this.children.length) })));
  }
  /** What all of them were told so far. */
  async told() {
    const each = await Promise.all(this.children.map((child) => this.ask_(child, {})));
    const sum = (what) => each.reduce((all, one) => all + one[what], 0);
    return { edits: sum("edits"), presence: sum("presence"), presence_bytes: sum("presence_bytes") };
  }
  end() {
    for (const child of this.children) child.kill();
  }
}

async function viewers(cluster) {
  const name = fresh_name("seen");
  const editor = await new Editor(cluster.node(0), name).synced();
  await cluster.command("move", name, "n1");
  await sleep(2_000);
  const audience = new Audience();
  const seconds = Number(values.seconds);
  /** Types for a while; returns how many edits, what viewers were told, and how long that took, until all had come. */
  const measure = async (title) => {
    const owner_told = await cluster.node(0).metric("octavo_broadcasts_total");
    const heard = await audience.told();
    const before = cpu_of(cluster.nodes);
    const started = performance.now();
    let typed = 0;
    while (performance.now() < started + seconds * 1_000) {
      editor.text.insert(0, "x");
      ++typed;
      await sleep(1_000 / Number(values.rate));
    }
    const [owner, ...others] = spent(before, cluster.nodes).map((ms) => ms / seconds / 10);
    await sleep(1_000);
    const broadcasts = (await cluster.node(0).metric("octavo_broadcasts_total")) - owner_told;
    const now = await audience.told();
    const told = Object.fromEntries(Object.entries(now).map(([what, count]) => [what, count - heard[what]]));
    console.log(
      `${title.padEnd(40)} owner ${owner.toFixed(1)} %, others ${others.map((one) => one.toFixed(1)).join(" and ")} % of a core; ` +
        `${typed} edits, ${broadcasts} broadcasts, ${told.edits} frames with edits to viewers`,
    );
    return { typed, ...told, took_s: (performance.now() - started) / 1_000 };
  };
  await measure("no viewers");
  const count = Number(values.viewers);
  await audience.open([1, 2].map((at) => `${cluster.node(at).ws_url}/${name}`), count);
  await sleep(3_000);
  const { typed, edits } = await measure(`${count} viewers on the two other nodes`);
  console.log(`each viewer got ${(edits / count).toFixed(1)} frames for ${typed} edits`);
  const present = Math.min(Number(values.present), count);
  if (present > 0) {
    await audience.show_presence(present);
    await sleep(3_000);
    const { presence, presence_bytes, took_s } = await measure(`${present} of them show a cursor that moves`);
    const each_s = presence / count / took_s;
    console.log(
      `each viewer got ${each_s.toFixed(1)} frames a second with presence, of ${(presence_bytes / presence).toFixed(0)} bytes ` +
        `(at most 10 where there are more than 1,000 of them, and else 40); a frame for each change would be ${present} a second`,
    );
  }
  audience.end();
  close_clients();
}

const has_documents = Number(values.documents) > 0;
if (has_documents) await with_server({}, async (server) => edits("one node alone", [server]));
await with_cluster({ nodes: 3, shards: 64 }, async (cluster) => {
  await cluster.settled({ replicas: 3 });
  if (has_documents) await edits("three nodes, three replicas", cluster.nodes);
  if (Number(values.viewers) > 0) await viewers(cluster);
});
process.exit(0);
