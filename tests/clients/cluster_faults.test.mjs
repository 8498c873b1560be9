// A cluster that is hurt in every way that its promises are about, each once, in an order that the seed tells, while
// people type: nothing that was promised is lost, and all come to hold the same. scripts/torture does the same for long.
// Needs network namespaces, and so root; where they cannot be had this is skipped, unless OCTAVO_REQUIRE_NETNS is 1.

import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import * as Y from "yjs";
import { Editor, close_clients, converge, fresh_name } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { assert_same_copies, read_copy } from "./support/disks.mjs";
import { chosen_seed } from "./support/random.mjs";
import { octavo, resident_bytes } from "./support/server.mjs";
import { faults, survived_with } from "./torture/faults.mjs";
import { flood, peak_while, slowed } from "./torture/flood.mjs";
import { torture } from "./torture/launch.mjs";
import { why_no_network } from "./torture/network.mjs";
import { failover_hold_ms, make_plan } from "./torture/plan.mjs";
import { make_word, verdict } from "./torture/verdict.mjs";

const reason = why_no_network();
const skip = process.env.OCTAVO_REQUIRE_NETNS === "1" ? false : reason;
afterEach(close_clients);

const kinds = Object.fromEntries(survived_with(3).map((kind) => [kind, faults[kind]]));

test("a word that is lost, there twice, torn, or nobody's is seen", () => {
  const [a, b, c] = [1, 2, 3].map((typist) => make_word(typist, 7));
  const history = { promised: new Set([a, b]), typed: new Set([a, b, c]) };
  assert.deepEqual(verdict(history, a + c + b), []);
  assert.deepEqual(verdict(history, b + a), [], "what was not promised need not be there");
  assert.match(verdict(history, a + c).join(), /^1 words that were promised are lost: <2.7>$/);
  assert.match(verdict(history, "").join(), /^2 words .* lost/);
  assert.match(verdict(history, a + b + a).join(), /^1 words are there more than once: <1.7>$/);
  assert.match(verdict(history, a + b + "<4.7>").join(), /^1 words were typed by nobody: <4.7>$/);
  assert.match(verdict(history, a + "x" + b).join(), /typed by nobody: x$/);
  assert.match(verdict(history, a + "<2.<3.7>7>").join(), /lost: <2.7>.*typed by nobody: <2. 7>$/);
});

test("a seed tells all that will happen, every kind comes before any comes again, and losses come alone", () => {
  const wanted = { rounds: 200, nodes: 3, rooms: 3, hold_ms_max: 7_000, kinds };
  const plan = make_plan({ ...wanted, seed: 7 });
  assert.deepEqual(make_plan({ ...wanted, seed: 7 }), plan);
  assert.notDeepEqual(make_plan({ ...wanted, seed: 8 }), plan);
  const count = Object.keys(kinds).length;
  for (let from = 0; from + count <= plan.length; from += count)
    assert.deepEqual(plan.slice(from, from + count).map(({ kind }) => kind).sort(), Object.keys(kinds).sort());
  for (const { kind, at, to, more, hold_ms } of plan) {
    assert.notEqual(at, to);
    if (kinds[kind].fails_over && !more) assert.ok(hold_ms >= failover_hold_ms, "a node that comes back is no failover");
    if (more) assert.ok(!kinds[kind].is_alone && !kinds[more.kind].is_alone && more.kind !== kind);
  }
  assert.ok(plan.some(({ more }) => more) && plan.some(({ leaving }) => leaving.length > 0));
});

/** `body(make)`, where make(updates, of) is the copy that a store has which got these edits, behind those of another one. */
async function with_copies(body) {
  const folder = await mkdtemp(join(tmpdir(), "octavo-copies-"));
  let count = 0;
  const make = async (updates, of) => {
    const data_dir = join(folder, `store-${++count}`);
    if (of) await cp(of.data_dir, data_dir, { recursive: true });
    for (const update of updates) {
      const file = join(folder, "update");
      await writeFile(file, update);
      await octavo("doc", "import", "notes", file, "--data", data_dir);
    }
    return read_copy(data_dir, "notes");
  };
  try {
    await body(make);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The update of a client that only has `base`, and does `edit(doc)`. */
function edit_by(client, edit, base) {
  const doc = new Y.Doc();
  if (base) Y.applyUpdate(doc, base);
  doc.clientID = client;
  const before = Y.encodeStateVector(doc);
  edit(doc);
  return Y.encodeStateAsUpdate(doc, before);
}

test("two disks that differ in a number, in any root, or in the order of two edits are told apart", async () => {
  await with_copies(async (make) => {
    const types = (word) => (doc) => doc.getText("text").insert(0, word);
    const sets = (value) => (doc) => doc.getMap("at").set("typist 1", value);
    const hello = edit_by(1, types("<1.0>"));
    const [two, three] = [2, 3].map((client) => edit_by(client, types(`<${client}.0>`), hello));
    const base = await make([hello]);
    const differs = async (ours, theirs, in_what) =>
      assert.rejects(assert_same_copies([await make(ours, base), await make(theirs, base)]), in_what);

    const copy = await make([two, three], base);
    await assert_same_copies([copy, await make([], copy)]);
    await differs([two], [two, three], /have the same last edit/);
    await differs([two], [three], /the same in all roots/);
    // The text is the same, the map is not.
    await differs([edit_by(4, sets("a"), hello)], [edit_by(4, sets("b"), hello)], /the same in all roots/);
    // Nor is what cannot be seen: who set it, or what was there before.
    await differs([edit_by(4, sets("a"), hello)], [edit_by(5, sets("a"), hello)], /byte by byte/);
    const sets_twice = (doc) => [sets("b"), sets("a")].forEach((one) => one(doc));
    await differs([edit_by(4, sets("a"), hello)], [edit_by(4, sets_twice, hello)], /byte by byte/);

    // In the end both hold the same; not at the number of the first of these edits.
    const swapped = await make([three, two], base);
    assert.equal(swapped.state, copy.state);
    await assert.rejects(assert_same_copies([copy, swapped]), /the same edits, number by number/);
    // Also apart from the times, which no two stores here have in common.
    const [ours, theirs] = [copy, swapped].map(({ changes }) => changes.replaceAll(/_ms":\d+/g, ""));
    assert.notEqual(ours, theirs);
    await assert.rejects(assert_same_copies([copy, { ...swapped, edits: copy.edits }]), /the same changes, number by number/);
  });
});

// What may be kept for a node, by the server's own bounds: 8 MiB of a document, 4 and 8 MiB of a shard's log on their way;
// the rest is room for the allocator and the store. Half of what is written would not fit.
const memory_growth_max = Number(process.env.OCTAVO_MEMORY_GROWTH_MAX ?? 96 << 20);
const warm_up_bytes = 64 << 20;
const flood_bytes = 192 << 20;

test("memory of a document's owner is bounded, whether a node stops taking in what it is sent or takes in little", async (t) => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    await cluster.settled({ replicas: 3 });
    const name = fresh_name("flood");
    await cluster.command("move", name, "n1");
    const editors = [];
    for (const at of [0, 1, 1, 2]) editors.push(await new Editor(cluster.node(at), name).synced());
    const [owner, slow] = [cluster.node(0).pid, cluster.node(1).pid];
    const written = (bytes) => flood(editors[0], (so_far) => so_far >= bytes);
    await written(warm_up_bytes);
    const before = resident_bytes(owner);
    const stays_small = async (what, work) => {
      const { peak } = await peak_while(owner, work);
      const growth_mib = Math.round((peak - before) / 2 ** 20);
      t.diagnostic(`${what}: ${growth_mib} MiB more while ${flood_bytes >> 20} MiB were written`);
      assert.ok(peak - before < memory_growth_max, `${what}: the owner's memory grew by ${growth_mib} MiB`);
      await converge(editors, 60_000);
    };
    process.kill(slow, "SIGSTOP");
    const stopped = written(flood_bytes).finally(() => process.kill(slow, "SIGCONT"));
    await stays_small("a stopped node", stopped);
    await stays_small("a slow node", slowed(slow, written(flood_bytes)));
  });
});

test("when every disk is set back at once, which is more than can be survived, the loss is seen", { skip }, async () => {
  const kept = await mkdtemp(join(tmpdir(), "octavo-kept-"));
  try {
    const limits = { hold_ms_max: 2_000, heal_ms_max: 6_000 };
    const { failure } = await torture({ rounds: 1, kinds: ["all_set_back"], kept, ...limits });
    assert.match(failure ?? "nothing was seen", /words that were promised are lost/);
    assert.ok((await readdir(kept)).includes("n3.log"), "logs and data are kept");
  } finally {
    await rm(kept, { recursive: true, force: true });
  }
});

/** Runs it with a seed that is printed; nothing may fail. Returns the report. */
async function survives(t, wanted) {
  const seed = chosen_seed();
  console.log(`OCTAVO_SEED=${seed}`);
  const report = await torture({ seed, hold_ms_max: 1_500, ...wanted });
  assert.equal(report.failure, undefined);
  t.diagnostic(`${report.acknowledged} acknowledged edits, ${report.faults} faults`);
  for (const [kind, why] of Object.entries(report.cannot)) t.diagnostic(`left out: ${kind} (${why})`);
  return report;
}

test("hurt in every way, a cluster loses nothing that it promised, and all come to hold the same", { skip }, async (t) => {
  const { acknowledged } = await survives(t, { rounds: Object.keys(kinds).length });
  assert.ok(acknowledged > 500, "too little was promised for this to mean anything");
});

// None of these kinds comes beside another one, so that how long people wait is checked for each.
test("five replicas survive two nodes that are killed at once, and others take over while they are away", { skip }, async (t) => {
  const wanted = ["two_killed", "unplugged", "disk_wiped"];
  const report = await survives(t, { nodes: 5, replicas: 5, rounds: wanted.length, kinds: wanted });
  assert.deepEqual(Object.keys(report.by_kind).sort(), [...wanted].sort());
  assert.ok(report.acknowledged > 500, "too little was promised for this to mean anything");
});

test("one replica keeps what it acknowledged through restarts and power cuts; nobody takes over", { skip }, async (t) => {
  t.diagnostic("promised with one replica: what is acknowledged is on the owner's disk; what that loses is lost");
  const wanted = ["all_killed", "restarted"];
  const report = await survives(t, { replicas: 1, rounds: wanted.length, kinds: wanted });
  assert.ok(report.acknowledged > 20, "too little was promised for this to mean anything");
});
