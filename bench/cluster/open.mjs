// What becomes of many open documents: when the node that has them dies, and when nobody has them open any more.
//
//   node bench/cluster/open.mjs [--documents 1500] [--characters 20000] [--reopened 300]
//
// Three nodes, etcd and one client for each document share this machine's cores. OCTAVO_BIN is the server, or
// build/release/octavo.

import { EventEmitter } from "node:events";
import { parseArgs } from "node:util";
import { line, until_durable } from "./times.mjs";
import { Editor, close_clients, fresh_name } from "../../tests/clients/support/client.mjs";
import { with_cluster } from "../../tests/clients/support/cluster.mjs";
import { resident_bytes, wait_for } from "../../tests/clients/support/server.mjs";

const { values } = parseArgs({
  options: {
    documents: { type: "string", default: "1500" },
    characters: { type: "string", default: "20000" },
    reopened: { type: "string", default: "300" },
  },
});
EventEmitter.defaultMaxListeners = 0; // each provider listens for the process to end
const idle_s = 10;
const at_once = 50;

async function tell_memory(title, nodes) {
  const each = await Promise.all(
    nodes.map(async (node) => {
      const [open, bytes] = [await node.metric("octavo_documents_open"), await node.metric("octavo_document_bytes")];
      return `${open} open, ${(bytes / 2 ** 20).toFixed(0)} MiB of documents, ${(resident_bytes(node.pid) / 2 ** 20).toFixed(0)} MiB resident`;
    }),
  );
  console.log(`${title.padEnd(40)} ${each.join(";  ")}`);
}

async function open_all(cluster, names) {
  const text = "All work and no play makes a long text. ".repeat(Math.ceil(Number(values.characters) / 40));
  const editors = [];
  for (let from = 0; from < names.length; from += at_once) {
    const some = names.slice(from, from + at_once).map((name, i) => new Editor(cluster.node(1 + (i % 2)), name));
    for (const one of some) {
      await one.synced();
      one.text.insert(0, text.slice(0, Number(values.characters)));
    }
    for (const one of some) await one.until_durable();
    editors.push(...some);
  }
  return editors;
}

async function failover(cluster, editors) {
  const { shards } = await cluster.settled({ replicas: 3 });
  const is_owned = new Set(shards.filter((one) => one.owner === "n1").map((one) => one.shard));
  const affected = [];
  for (const one of editors) if (is_owned.has(await cluster.shard_of(one.provider.roomname))) affected.push(one);
  const started = performance.now();
  await cluster.node(0).kill();
  line("kill -9: until an edit of each document is durable", await until_durable(affected, started));
  const closed = editors.reduce((sum, one) => sum + one.close_events.length, 0);
  console.log(`sockets closed: ${closed}`);
  await cluster.node(0).start();
  await cluster.settled({ replicas: 3 });
}

await with_cluster({ nodes: 3, shards: 64, args: ["--idle-timeout", `${idle_s}s`] }, async (cluster) => {
  await cluster.settled({ replicas: 3 });
  await tell_memory("nothing is open", cluster.nodes);
  const names = Array.from({ length: Number(values.documents) }, () => fresh_name("open"));
  const editors = await open_all(cluster, names);
  await tell_memory("all are open", cluster.nodes);
  await failover(cluster, editors);
  await tell_memory("and after the failover", cluster.nodes);
  await close_clients();
  const all_left = async () => (await Promise.all(cluster.nodes.map((node) => node.metric("octavo_documents_open")))).every((open) => open === 0);
  await wait_for("all documents have left memory", all_left, (idle_s + 60) * 1_000);
  await tell_memory("nobody has had them open for a while", cluster.nodes);
  const times_ms = [];
  for (const name of names.slice(0, Number(values.reopened))) {
    const started = performance.now();
    const editor = await new Editor(cluster.node(1), name, { connect: true });
    await new Promise((done) => editor.provider.once("sync", done));
    times_ms.push(performance.now() - started);
    if (editor.text.length < Number(values.characters)) throw new Error(`${name} is short`);
    editor.doc.destroy();
    editor.provider.destroy();
  }
  line("opened again, one after the other: until a client has it", times_ms);
});
process.exit(0);
