// One run, in the people's place of a network that is there (launch.mjs makes it and starts this):
//
//   node run.mjs '{"network": …, "folder": …, "seed": 1, "rounds": 20, "nodes": 3, …}'
//
// People type all the while. Each step does its fault, holds it, and undoes it; then everybody stops for a moment, all
// documents must come to agree, and nothing may be missing. In the end the disks are compared. Ends with 0 if all holds.
// How long people may wait is checked as well, but for what two faults at once do to a majority.

import { writeFile } from "node:fs/promises";
import { close_clients } from "../support/client.mjs";
import { same_on_disks } from "../support/disks.mjs";
import { sleep } from "../support/server.mjs";
import { copy_etcd, describe, faults, survived_with } from "./faults.mjs";
import { Network } from "./network.mjs";
import { make_plan } from "./plan.mjs";
import { Report } from "./report.mjs";
import { Typists } from "./typists.mjs";
import { verdict } from "./verdict.mjs";
import { World } from "./world.mjs";

const asked = JSON.parse(process.argv[2]);
const rounds_of_a_room = 8;
const settle_ms = 90_000;
/** Two faults at once may keep a cable out for so long that TCP, whose pauses double, is silent for as long again. */
const heal_of_two_ms_max = 30_000;
/** Far less than a lease: nothing has to be taken over by its end. */
const unnoticed_ms_max = 2_500;
const started_ms = performance.now();

const network = new Network(asked.places, asked.network);
const world = new World({ network, nodes: asked.nodes, replicas: asked.replicas, folder: asked.folder });
// Each node owns a document, so that whoever is hit has something to lose.
const new_names = () => Promise.all(world.names.map((_, at) => world.name_owned_by(at)));

function say(what) {
  world.note(what);
  console.log(`${((performance.now() - started_ms) / 1_000).toFixed(1).padStart(7)} s  ${what}`);
}

async function play(step, typists) {
  const documents = typists.rooms.map(({ name }) => name);
  const replace_everybody = () => typists.replace(documents.keys());
  const undoings = [];
  const hit = async (one) => {
    world.note(`begin ${describe(one)}`);
    const undo = await faults[one.kind](world, { ...one, documents, replace_everybody, is_beside: step.more !== undefined });
    world.note(`hold ${one.kind}`);
    undoings.push(async () => {
      world.note(`undo ${one.kind}`);
      await undo();
    });
  };
  const leaving = (async () => {
    await sleep(step.leave_after_ms);
    world.note(`others in ${step.leaving.map((at) => documents[at]).join(" ")}`);
    typists.replace(step.leaving);
  })();
  await hit(step);
  await sleep(step.hold_ms);
  if (step.more) {
    await hit(step.more);
    await sleep(step.more.hold_ms);
  }
  await leaving;
  for (const undo of undoings.reverse()) await undo();
  world.note("healed");
}

async function run(report) {
  let typists;
  try {
    await world.start();
    await world.settled({ timeout_ms: settle_ms });
    await world.note_owners();
    await copy_etcd(world);
    report.cannot = world.cannot;
    typists = new Typists(world.nodes, await new_names());
    await typists.agree(settle_ms);
    typists.start();
    await play_all(typists, report);
    await typists.stop();
    await check_the_end(typists);
  } finally {
    if (typists) report.count(typists);
  }
}

async function play_all(typists, report) {
  const wanted = asked.kinds ?? survived_with(asked.replicas);
  const possible = Object.entries(faults).filter(([kind, { needs }]) => wanted.includes(kind) && !(needs in world.cannot));
  const kinds = Object.fromEntries(possible);
  const plan = make_plan({ ...asked, rooms: typists.rooms.length, kinds });
  for (const step of plan) {
    if (performance.now() - started_ms > asked.minutes_max * 60_000) break;
    const done = [step, step.more].filter(Boolean);
    say(`${step.round}/${asked.rounds}  ${done.map(describe).join(" and ")}`);
    await play(step, typists);
    const healing_ms = await typists.agree(step.more ? Math.max(asked.heal_ms_max, heal_of_two_ms_max) : asked.heal_ms_max);
    const silence_ms = typists.take_longest_ms();
    report.add(done.map(({ kind }) => kind), { silence_ms, healing_ms });
    say(`         agreed after ${Math.round(healing_ms)} ms; ${Math.round(silence_ms)} ms without an acknowledgement`);
    const silence_ms_max = silence_allowed_ms(step);
    if (silence_ms > silence_ms_max) throw new Error(`a document was silent for longer than ${silence_ms_max} ms`);
    if (step.round % rounds_of_a_room === 0) typists.renew(await new_names());
  }
}

/** How long a document may be without an acknowledgement, in which people type, when this is done. */
function silence_allowed_ms({ kind, more }) {
  const { is_silent, is_unnoticed } = faults[kind];
  if (more || is_silent || asked.replicas === 1) return Infinity;
  return is_unnoticed ? Math.min(unnoticed_ms_max, asked.silence_ms_max) : asked.silence_ms_max;
}

async function check_the_end(typists) {
  say("everybody stops: all clients agree, and whoever comes now finds everything");
  await typists.agree(asked.heal_ms_max);
  await world.settled({ timeout_ms: settle_ms });
  for (const node of world.nodes) {
    const problems = await typists.problems_afresh(node, settle_ms);
    if (problems.length > 0) throw new Error(`${node.host}: ${problems.join("\n")}`);
  }
  close_clients();
  say("the nodes stop: all disks hold the same");
  await world.stop();
  // A room that was made anew behind the last step has nothing yet.
  const written = typists.all_rooms.filter(({ typed }) => typed.size > 0);
  const held = await same_on_disks(world.nodes, written.map(({ name }) => name), asked.replicas);
  const problems = written.flatMap((room) => verdict(room, held.get(room.name)));
  if (problems.length > 0) throw new Error(`on the disks: ${problems.join("\n")}`);
}

const report = new Report({ seed: asked.seed, nodes: asked.nodes, replicas: asked.replicas, cannot: {} });
let failure;
try {
  await run(report);
} catch (error) {
  failure = error;
  say(`FAILED: ${error.stack}`);
  if (error.cause) say(`because of ${error.cause.stack ?? error.cause}`);
  await world.keep_status();
}
close_clients();
await world.end();
if (failure) await world.keep(asked.kept).then(() => console.log(`logs and data are in ${asked.kept}`), console.error);
console.log(asked.json ? JSON.stringify(report) : `\n${report.table()}`);
await writeFile(asked.result, JSON.stringify({ ...report.toJSON(), failure: failure?.message }));
process.exit(failure ? 1 : 0);
