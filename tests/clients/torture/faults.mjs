// What is done to a cluster, each with its undoing. A fault is called with the world and a step of the plan, does what it
// does, and returns the function that undoes it.
//
// - is_alone: it takes something for good, and so comes only while everybody else is whole, with nothing beside it;
// - at: the one node that it can be done to; needs: what not every machine can do (World.cannot);
// - is_loss: more than can be survived; only done when it is asked for by name;
// - is_silent: while it lasts, nobody can be told that an edit is safe; is_unnoticed: nobody is to notice it; fails_over:
//   others have to take over while it lasts, so that it has to last (plan.mjs);
// - replicas_min: what it takes to survive it, unless one replica does;
// - hits: whom it is done to, for whoever reads what happened: "node" unless said otherwise, "link" (from at to to), "both"
//   (at and to), "all".

import { constants } from "node:fs";
import { cp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { sleep, wait_for } from "../support/server.mjs";
import { clock_at, small_disk_at } from "./world.mjs";

const settle_ms = 90_000;
const operator_s = 60;
const operator_beside_s = 5; // the other fault lasts as long as this waits
const flaps = 8;
const flap_ms = 150;
const slow_bits_per_s = 400_000;
const clock_jumps_s = [-7_200, -30, -4, 4, 30, 7_200];

const settled = (world) => world.settled({ timeout_ms: settle_ms });
const directed = (world, name, args, timeout_s = operator_s) =>
  world.command(name, ...args, "--timeout", String(timeout_s));
const others = (world, at) => ["etcd", ...world.names.filter((_, other) => other !== at)];

// --- nodes and their disks ---------------------------------------------------------------------------------------

async function killed(world, { at }) {
  await world.node(at).kill();
  return () => world.node(at).start();
}

async function two_killed(world, { at, to }) {
  const both = [world.node(at), world.node(to)];
  await Promise.all(both.map((node) => node.kill()));
  return () => Promise.all(both.map((node) => node.start()));
}

/** The power of all of them fails at once. */
async function all_killed(world) {
  await Promise.all(world.nodes.map((node) => node.kill()));
  return () => Promise.all(world.nodes.map((node) => node.start()));
}

async function restarted(world, { at }) {
  await world.node(at).stop();
  return () => world.node(at).start();
}

/** It hears nothing and says nothing, and does not know that time goes by. */
async function stopped(world, { at }) {
  const { pid } = world.node(at);
  if (pid === undefined) return () => {}; // another fault has ended it
  process.kill(pid, "SIGSTOP");
  return () => world.node(at).pid === pid && process.kill(pid, "SIGCONT");
}

async function disk_wiped(world, { at }) {
  await settled(world);
  await world.node(at).kill();
  await rm(world.data_of(at), { recursive: true });
  return async () => {
    await world.node(at).start();
    await settled(world);
  };
}

/**
 * One bit of the newest file of the write-ahead log, or of the tables, is another one when the node comes back. It
 * notices at its start, or when it reads its tables, as it does all the time here; then it ends, whoever watches over it
 * starts it, and it begins anew with an empty disk.
 */
async function log_damaged(world, { at, choice, coin }) {
  await settled(world);
  const node = world.node(at);
  await node.kill();
  const what = await flip_bit(world.data_of(at), coin ? /\.sst$/ : /\d\.log$/, choice / 1_000);
  world.note(`flipped ${what}`);
  const said = node.log().length;
  const has_said = (words) => words.test(node.log().slice(said));
  await started(node);
  return async () => {
    if (!has_said(/gets everything anew/)) {
      await wait_for("its tables are read", () => has_said(/table of the store is damaged|read all \d+ tables/), settle_ms);
      // It ends once the directory has said that the others have everything.
      if (has_said(/table of the store is damaged/)) {
        await wait_for("it has ended", () => node.pid === undefined, settle_ms);
        await started(node);
      }
    }
    await settled(world);
    for (const name of await readdir(world.data_of(at)))
      if (name.startsWith("set-aside-")) {
        world.note(`it has begun anew: ${name}`);
        await rm(join(world.data_of(at), name), { recursive: true });
      }
  };
}

/** As whoever watches over a node does it: while another one begins anew this one may not. */
function started(node) {
  return wait_for("it starts", async () => node.pid !== undefined || (await node.start()), settle_ms);
}

async function flip_bit(folder, pattern, share) {
  const found = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (pattern.test(name)) found.push({ path, ...(await stat(path)) });
  }
  const [newest] = found.filter(({ size }) => size > 0).sort((a, b) => b.mtimeMs - a.mtimeMs);
  if (!newest) return "nothing: there is no such file";
  const offset = Math.floor(newest.size * share);
  const file = await open(newest.path, constants.O_RDWR);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] ^= 0x10;
  await file.write(byte, 0, 1, offset);
  await file.close();
  return `byte ${offset} of ${newest.size} of ${newest.path}`;
}

async function disk_full(world, { at }) {
  const path = join(world.disk_of(at), "filler");
  const filler = await open(path, "w");
  const block = Buffer.alloc(1 << 16);
  try {
    for (;;) await filler.write(block); // the disk is small
  } catch (error) {
    if (error.code !== "ENOSPC") throw error;
  } finally {
    await filler.close();
  }
  return () => rm(path);
}

async function clock_jumped(world, { choice }) {
  await world.set_clock(clock_jumps_s[choice % clock_jumps_s.length]);
  return () => world.set_clock(0);
}

// --- links -------------------------------------------------------------------------------------------------------

async function unplugged(world, { at }) {
  await world.network.unplug(world.names[at]);
  return () => world.network.plug(world.names[at]);
}

async function flapping(world, { at }) {
  for (let i = 0; i < flaps; ++i) {
    await world.network.unplug(world.names[at]);
    await sleep(flap_ms);
    await world.network.plug(world.names[at]);
    await sleep(flap_ms);
  }
  return () => {};
}

/** Cuts directions of links, as [from, to]. */
async function cut(world, directions) {
  for (const [from, to] of directions) await world.network.cut(from, to);
  return async () => {
    for (const [from, to] of directions) await world.network.mend(from, to);
  };
}
const named = (world, { at, to }) => [world.names[at], world.names[to]];

const cut_one_way = (world, step) => cut(world, [named(world, step)]);
const cut_both_ways = (world, step) => cut(world, [named(world, step), named(world, step).reverse()]);
/** Etcd and the other nodes hear nothing of it, but it hears them. Its clients have both. */
const mute = (world, { at }) => cut(world, others(world, at).map((other) => [world.names[at], other]));
const deaf = (world, { at }) => cut(world, others(world, at).map((other) => [other, world.names[at]]));
/** It has its peers and its clients, and no etcd. */
const cut_from_etcd = (world, { at }) => cut(world, [[world.names[at], "etcd"], ["etcd", world.names[at]]]);

async function slow(world, { at }) {
  await world.network.slow(world.names[at], slow_bits_per_s);
  return () => world.network.unslow(world.names[at]);
}

// --- etcd --------------------------------------------------------------------------------------------------------

async function etcd_killed(world) {
  await world.etcd.kill();
  return async () => {
    // Beside another fault its cable may be out, and then nobody could tell that it answers.
    await world.network.plug("etcd");
    await world.etcd.start();
  };
}

async function etcd_unplugged(world) {
  await world.network.unplug("etcd");
  return () => world.network.plug("etcd");
}

/** It comes back as it was when this was done last, or when the run began; what it was now is kept for the next time. */
async function etcd_restored(world) {
  const { data_dir } = world.etcd;
  await world.etcd.kill();
  await rename(data_dir, `${data_dir}.now`);
  await rename(`${data_dir}.old`, data_dir);
  await rename(`${data_dir}.now`, `${data_dir}.old`);
  return () => world.etcd.start();
}

/** The copy that etcd_restored() brings back the first time. */
export async function copy_etcd(world) {
  await world.etcd.kill();
  await cp(world.etcd.data_dir, `${world.etcd.data_dir}.old`, { recursive: true });
  await world.etcd.start();
}

// --- what operators do -------------------------------------------------------------------------------------------

/** All documents go to one node. Beside another fault that need not succeed, and must do no harm. */
async function moved(world, { at, coin, documents, is_beside }) {
  const bear = (error) => {
    if (!is_beside) throw error;
  };
  const timeout_s = is_beside ? operator_beside_s : operator_s;
  if (!is_beside) await settled(world);
  const move = (document) => directed(world, "move", [document, world.names[at]], timeout_s).catch(bear);
  const moves = documents.map(move);
  const all_moved = Promise.all(moves);
  all_moved.catch(() => {}); // it is awaited later
  return async () => {
    await all_moved;
    if (coin) await directed(world, "rebalance", [], timeout_s).catch(bear);
  };
}

async function drained(world, { at }) {
  await settled(world); // until all nodes are back in the directory nobody could take over
  await directed(world, "drain", [world.names[at]]);
  return () => directed(world, "drain", ["--undo", world.names[at]]);
}

async function rolled(world) {
  for (const node of world.nodes) {
    await node.stop();
    await node.start();
    await settled(world);
  }
  return () => {};
}

const with_traits = (fault, traits) => Object.assign(fault, traits);

/** Not a fault that is survived: all disks go back to an earlier state at once. It shows that a loss is seen. */
async function all_set_back(world, { replace_everybody }) {
  const each = async (act) => {
    await Promise.all(world.nodes.map((node) => node.kill()));
    for (const at of world.names.keys()) await act(world.data_of(at));
  };
  const start = () => Promise.all(world.nodes.map((node) => node.start()));
  await each((data) => cp(data, `${data}.old`, { recursive: true }));
  await start();
  return async () => {
    await each(async (data) => {
      await rm(data, { recursive: true });
      await rename(`${data}.old`, data);
    });
    replace_everybody(); // or they would bring back what is gone
    await start();
  };
}

export const faults = {
  killed: with_traits(killed, { fails_over: true, is_unnoticed: true }),
  two_killed: with_traits(two_killed, { hits: "both", replicas_min: 5, fails_over: true }),
  all_killed: with_traits(all_killed, { hits: "all", is_silent: true }),
  restarted: with_traits(restarted, { is_unnoticed: true }),
  stopped: with_traits(stopped, { fails_over: true }),
  disk_wiped: with_traits(disk_wiped, { is_alone: true, replicas_min: 3 }),
  log_damaged: with_traits(log_damaged, { is_alone: true, replicas_min: 3 }),
  disk_full: with_traits(disk_full, { at: small_disk_at, is_silent: true }), // its owner keeps a document that waits for room
  clock_jumped: with_traits(clock_jumped, { at: clock_at, needs: "clock", is_unnoticed: true }),
  unplugged: with_traits(unplugged, { fails_over: true }),
  flapping,
  cut_one_way: with_traits(cut_one_way, { hits: "link" }),
  cut_both_ways: with_traits(cut_both_ways, { hits: "link" }),
  mute,
  deaf,
  cut_from_etcd: with_traits(cut_from_etcd, { is_unnoticed: true }),
  slow: with_traits(slow, { needs: "slow" }),
  etcd_killed: with_traits(etcd_killed, { hits: "all", is_unnoticed: true }),
  etcd_unplugged: with_traits(etcd_unplugged, { hits: "all", is_unnoticed: true }),
  etcd_restored: with_traits(etcd_restored, { hits: "all", is_unnoticed: true }),
  moved: with_traits(moved, { is_unnoticed: true }),
  drained: with_traits(drained, { is_alone: true, is_unnoticed: true }),
  rolled: with_traits(rolled, { is_alone: true, hits: "all" }),
  all_set_back: with_traits(all_set_back, { is_alone: true, hits: "all", is_loss: true, is_silent: true }),
};

/** The kinds that a cluster with so many replicas survives. */
export const survived_with = (replicas) =>
  Object.keys(faults).filter((kind) => !faults[kind].is_loss && replicas >= (faults[kind].replicas_min ?? 1));

/** A step of a plan in words. */
export function describe({ kind, at, to, hold_ms }) {
  const whom = { node: ` n${at + 1}`, link: ` n${at + 1} to n${to + 1}`, both: ` n${at + 1} and n${to + 1}`, all: "" }[faults[kind].hits ?? "node"];
  return `${kind}${whom} for ${(hold_ms / 1_000).toFixed(1)} s`;
}
