// Makes the network of a run, starts the run in it, and takes all of it away, whatever happens: also after Ctrl-C, and
// what a run left that was killed is taken away by the next one. Called by the test and by scripts/torture.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chosen_seed } from "../support/random.mjs";
import { Network, remove_leftovers, why_no_network } from "./network.mjs";

const run_path = join(dirname(fileURLToPath(import.meta.url)), "run.mjs");
const round_minutes_max = 4;
const end_minutes_max = 10;
// As the design has it.
const heal_ms_max = 10_000;
// A lease of 3 s and a claim, with room for a busy machine; shorter than failover_hold_ms (plan.mjs).
const silence_ms_max = 8_000;

/**
 * Resolves to what the run has counted, with `failure` if something did not hold.
 * @param {object} options `seed`, `rounds`, `nodes` (3 to 5), `replicas` of each document (1, 3, or 5 on five nodes); `minutes_max`: no new round after that; `hold_ms_max`: of a
 *   fault; `heal_ms_max`: so long after one fault it may take until all agree; `silence_ms_max`: for so long one fault may
 *   stop acknowledgements while others take over; `kinds`: of faults, or all; `kept`: where logs and data of a run that
 *   failed go, in place of an earlier one's
 */
export async function torture({ nodes = 3, replicas = 3, rounds, seed = chosen_seed(), minutes_max = Infinity, ...more }) {
  remove_leftovers(tmpdir());
  const names = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
  const network = new Network(["people", "etcd", ...names]);
  const folder = join(tmpdir(), network.name);
  mkdirSync(folder);
  const clean = () => {
    network.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  const quit = () => process.exit(130);
  process.on("exit", clean);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, quit);
  try {
    network.make();
    const result = join(folder, "result.json");
    const limit = Math.min(minutes_max, rounds * round_minutes_max);
    const asked = { heal_ms_max, silence_ms_max, hold_ms_max: 7_000, kept: join(tmpdir(), "octavo-torture-failed"), ...more };
    Object.assign(asked, { seed, rounds, nodes, replicas, network: network.name, places: network.places, folder, result, minutes_max: limit });
    const [program, ...words] = [...network.launcher("people"), process.execPath, run_path, JSON.stringify(asked)];
    const child = spawn(program, words, { stdio: "inherit" });
    const watchdog = setTimeout(() => child.kill("SIGKILL"), (limit + round_minutes_max + end_minutes_max) * 60_000);
    const [code, signal] = await once(child, "close");
    clearTimeout(watchdog);
    if (signal !== null || code > 1) throw new Error(`the run ended with ${signal ?? code}`);
    return JSON.parse(readFileSync(result, "utf8"));
  } finally {
    clean();
    process.off("exit", clean);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(signal, quit);
  }
}

const usage = `scripts/torture [--rounds 20] [--seed N] [--nodes 3|4|5] [--replicas 1|3|5] [--minutes-max N] [--hold-ms-max 7000]
                [--heal-ms-max 10000] [--silence-ms-max 8000] [--kinds killed,stopped,…] [--json]
                [--kept FOLDER]`;

async function main() {
  const numbers = ["rounds", "seed", "nodes", "replicas", "minutes-max", "hold-ms-max", "heal-ms-max", "silence-ms-max"];
  const options = { kinds: { type: "string" }, kept: { type: "string" }, json: { type: "boolean" } };
  for (const name of numbers) options[name] = { type: "string" };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    return 2;
  }
  const reason = why_no_network();
  if (reason) {
    console.error(`scripts/torture: ${reason}`);
    return 2;
  }
  const asked = { rounds: 20 };
  for (const name of numbers) if (name in values) asked[name.replaceAll("-", "_")] = Number(values[name]);
  if (values.kinds) asked.kinds = values.kinds.split(",");
  for (const name of ["kept", "json"]) if (name in values) asked[name] = values[name];
  const { nodes = 3, replicas = 3 } = asked;
  const is_possible = [3, 4, 5].includes(nodes) && [1, 3, 5].includes(replicas) && replicas <= nodes;
  if (Object.values(asked).includes(NaN) || !is_possible) {
    console.error(usage);
    return 2;
  }
  const { failure } = await torture(asked);
  return failure ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exit(await main());
