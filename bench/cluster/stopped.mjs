// What a node costs the owner of documents that people have open there, when it takes nothing in (SIGSTOP), or little: the
// owner's memory, while more is written than could be kept. Three nodes, one etcd and all clients on this machine.
//
//   node bench/cluster/stopped.mjs [--seconds 10] [--documents 4] [--viewers 5]
//
// `viewers` of each document are on the node that is stopped. Ends with 1 if not all of them come to hold the same
// afterwards. OCTAVO_BIN is the server, or build/release/octavo.

import { EventEmitter } from "node:events";
import { parseArgs } from "node:util";
import { Editor, close_clients, converge, fresh_name } from "../../tests/clients/support/client.mjs";
import { with_cluster } from "../../tests/clients/support/cluster.mjs";
import { resident_bytes } from "../../tests/clients/support/server.mjs";
import { flood, peak_while, slowed } from "../../tests/clients/torture/flood.mjs";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    documents: { type: "string", default: "4" },
    viewers: { type: "string", default: "5" },
  },
});
EventEmitter.defaultMaxListeners = 0; // each provider listens for the process to end
const agree_ms_max = 60_000;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

async function open_rooms(cluster) {
  const rooms = [];
  for (let i = 0; i < Number(values.documents); ++i) {
    const name = fresh_name("flood");
    await cluster.command("move", name, "n1");
    const editors = [await new Editor(cluster.node(0), name).synced()];
    for (let v = 0; v < Number(values.viewers); ++v) editors.push(await new Editor(cluster.node(1), name).synced());
    rooms.push(editors);
  }
  return rooms;
}

/** Writes into all documents for so long; resolves to how many bytes. */
async function flood_all(rooms) {
  const until_ms = performance.now() + Number(values.seconds) * 1_000;
  const each = await Promise.all(rooms.map(([writer]) => flood(writer, () => performance.now() > until_ms)));
  return each.reduce((sum, one) => sum + one, 0);
}

await with_cluster({ nodes: 3, shards: 64 }, async (cluster) => {
  await cluster.settled({ replicas: 3 });
  const rooms = await open_rooms(cluster);
  const [owner, slow] = [cluster.node(0), cluster.node(1).pid];
  const measure = async (title, work) => {
    const before = resident_bytes(owner.pid);
    const { peak, result } = await peak_while(owner.pid, work);
    const cut_off = await owner.metric("octavo_subscribers_behind_total");
    console.log(
      `${title.padEnd(32)} ${mib(result)} written; the owner has ${mib(before)} before, ${mib(peak)} at the most, ` +
        `${mib(resident_bytes(owner.pid))} at its end; ${cut_off} times so far a node got in one piece what it lacked`,
    );
  };
  const agreed = async () => {
    const started = performance.now();
    for (const editors of rooms) await converge(editors, agree_ms_max);
    console.log(`all agree after ${Math.round(performance.now() - started)} ms`);
  };
  await measure("warming up", flood_all(rooms));
  await measure("everybody reads", flood_all(rooms));
  process.kill(slow, "SIGSTOP");
  await measure("a node is stopped", flood_all(rooms));
  process.kill(slow, "SIGCONT");
  await agreed();
  await measure("and runs again", flood_all(rooms));
  await measure("it runs one seventieth of the time", slowed(slow, flood_all(rooms)));
  await agreed();
  await measure("and runs again", flood_all(rooms));
  close_clients();
});
process.exit(0);
