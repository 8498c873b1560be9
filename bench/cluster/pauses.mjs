// How long people wait when a document's owner is killed, and when its document moves: a cluster of three nodes and one
// etcd on this machine, with real Yjs clients. Prints median, p99 and the worst. Ends with 1 if a word that was typed while
// the document moved is missing, there twice or out of its writer's order, or if the socket of a client of a node that
// lives was closed.
//
//   node bench/cluster/pauses.mjs [--kills 10] [--stops 5] [--moves 50] [--clients 100] [--rate 0.3]
//
// OCTAVO_BIN is the server, or build/release/octavo. Everything shares this machine's cores, the clients too: with N
// clients, each typing `rate` times a second, N² × rate edits a second have to be applied by one process of Node.

import { EventEmitter } from "node:events";
import { parseArgs } from "node:util";
import { line, until_durable } from "./times.mjs";
import { Editor, close_clients, converge, fresh_name, message, read_afresh } from "../../tests/clients/support/client.mjs";
import { with_cluster } from "../../tests/clients/support/cluster.mjs";
import { sleep } from "../../tests/clients/support/server.mjs";
import { make_word, verdict } from "../../tests/clients/torture/verdict.mjs";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    stops: { type: "string", default: "5" },
    moves: { type: "string", default: "50" },
    clients: { type: "string", default: "100" },
    rate: { type: "string", default: "0.3" },
  },
});
EventEmitter.defaultMaxListeners = 0; // each provider listens for the process to end
const documents = 24;
const edits_per_client_s = Number(values.rate);
const agree_ms_max = 30_000;
let is_good = true;

function complain(what) {
  is_good = false;
  console.error(`FAILED: ${what}`);
}

const closes = (editors) => editors.reduce((sum, one) => sum + one.close_events.length, 0);

/** Nobody's connection may have ended. */
function check_sockets(closed) {
  console.log(`sockets closed meanwhile: ${closed}`);
  if (closed > 0) complain("sockets were closed");
}

/** What is wrong with a text in which each writer has typed so many words, always at its end. */
function problems_in(text, counts) {
  const typed = new Set(counts.flatMap((count, writer) => Array.from({ length: count }, (_, number) => make_word(writer, number))));
  const problems = verdict({ promised: typed, typed }, text);
  const last = new Map();
  for (const [word, writer, number] of text.matchAll(/<(\d+)\.(\d+)>/g)) {
    if (Number(number) < (last.get(writer) ?? -1)) problems.push(`${word} stands behind a later word of its writer`);
    last.set(writer, Number(number));
  }
  return problems;
}

/** Calls `on_durable(number)` whenever the server says up to which of its marks all is durable. */
function watch_durable(editor, on_durable) {
  const before = editor.provider.messageHandlers[message.durable];
  editor.provider.messageHandlers[message.durable] = (encoder, decoder) => {
    before(encoder, decoder);
    on_durable(editor.durable);
  };
}

/** Until an edit of each document that `victim` owned is durable elsewhere, from the moment when it is hit. */
async function failover(cluster, title, rounds, hit, heal) {
  const rooms = [];
  for (let i = 0; i < documents; ++i) rooms.push(fresh_name(title));
  const times_ms = [];
  let closed = 0;
  for (let round = 0; round < rounds; ++round) {
    const victim = round % 3;
    const editors = [];
    for (const name of rooms) editors.push(await new Editor(cluster.node((victim + 1) % 3), name).synced());
    const { shards } = await cluster.settled({ replicas: 3 });
    const owned = new Set(shards.filter((one) => one.owner === `n${victim + 1}`).map((one) => one.shard));
    const affected = [];
    for (const editor of editors) if (owned.has(await cluster.shard_of(editor.provider.roomname))) affected.push(editor);
    const started = performance.now();
    await hit(cluster.node(victim));
    times_ms.push(...(await until_durable(affected, started)));
    closed += closes(editors);
    await heal(cluster.node(victim));
    await close_clients();
  }
  line(title, times_ms);
  check_sockets(closed);
}

async function moves(cluster) {
  const name = fresh_name("hot");
  const editors = [];
  const waits_ms = [];
  let longest_ms = 0;
  for (let i = 0; i < Number(values.clients); ++i) {
    const editor = await new Editor(cluster.node(i % 3), name).synced();
    editor.asked = new Map();
    watch_durable(editor, (number) => {
      for (const [mark, at] of editor.asked) {
        if (mark > number) break;
        editor.asked.delete(mark);
        const waited_ms = performance.now() - at;
        waits_ms.push(waited_ms);
        longest_ms = Math.max(longest_ms, waited_ms);
      }
    });
    editors.push(editor);
  }
  let is_over = false;
  let mark = 0;
  const counts = editors.map(() => 0);
  const typing = editors.map(async (editor, i) => {
    await sleep((i * 1_000) / edits_per_client_s / editors.length);
    while (!is_over) {
      editor.text.insert(editor.text.length, make_word(i, counts[i]++));
      editor.asked.set(++mark, performance.now());
      editor.ask_durable(mark);
      await sleep(1_000 / edits_per_client_s);
    }
  });
  await sleep(10_000);
  line(`ack of an edit, ${editors.length} clients typing, nothing moves`, waits_ms.splice(0));
  const pauses_ms = [];
  for (let i = 0; i < Number(values.moves); ++i) {
    longest_ms = 0;
    await cluster.command("move", name, `n${(i % 3) + 1}`);
    await sleep(700);
    pauses_ms.push(longest_ms);
  }
  line("the longest wait for an ack around a move", pauses_ms);
  line("all waits while it moved again and again", waits_ms);
  is_over = true;
  await Promise.all(typing);
  const text = await converge(editors, agree_ms_max);
  const afresh = await Promise.all(cluster.nodes.map((node) => read_afresh(node, name)));
  for (const one of [text, ...afresh.map((doc) => doc.getText("text").toString())])
    for (const problem of problems_in(one, counts)) complain(problem);
  console.log(`${counts.reduce((sum, one) => sum + one)} words of ${editors.length} writers were looked for, on each node`);
  check_sockets(closes(editors));
  await close_clients();
}

await with_cluster({ nodes: 3, shards: 64 }, async (cluster) => {
  if (Number(values.moves) > 0) await moves(cluster);
  if (Number(values.kills) > 0)
    await failover(
      cluster,
      "kill -9: until an edit is durable at the next owner",
      Number(values.kills),
      (node) => node.kill(),
      (node) => node.start(),
    );
  if (Number(values.stops) > 0)
    await failover(
      cluster,
      "SIGSTOP (a silent peer): likewise",
      Number(values.stops),
      async (node) => process.kill(node.pid, "SIGSTOP"),
      async (node) => process.kill(node.pid, "SIGCONT"),
    );
});
process.exit(is_good ? 0 : 1);
