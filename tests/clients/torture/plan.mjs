// What happens in a run, decided before it begins by its seed alone: the same seed gives the same list of steps. Every
// kind of fault comes once before any comes again.

import { random_from } from "../support/random.mjs";

/** What a second fault may be, while another one lasts: it goes by, and takes nothing for good. */
const companions = ["stopped", "cut_one_way", "cut_both_ways", "flapping", "etcd_killed", "moved"];
const hold_ms_min = 500;
/** Longer than documents may be silent while others take over (launch.mjs), or its end would pass for their doing. */
export const failover_hold_ms = 10_000;

/**
 * @param {{ seed: number, rounds: number, nodes: number, rooms: number, hold_ms_max: number,
 *   kinds: Record<string, { is_alone?: boolean, fails_over?: boolean, at?: number }> }} wanted `kinds` with their
 *   traits, as in faults.mjs
 * @returns {object[]} a step a round: its `kind`, the node that it is done to (`at`) and another one (`to`), for how long,
 *   two numbers for what the kind has to choose (`choice`, from 0 to 999, and `coin`), `more`: a second fault while it
 *   lasts, and which rooms everybody leaves, when
 */
export function make_plan({ seed, rounds, nodes, rooms, hold_ms_max, kinds }) {
  const random = random_from(seed);
  const pick = (list) => list[random(list.length)];
  const step_of = (kind) => {
    const drawn = random(nodes);
    const at = kinds[kind].at ?? drawn;
    const to = (at + 1 + random(nodes - 1)) % nodes;
    const hold_ms = hold_ms_min + random(hold_ms_max - hold_ms_min);
    return { kind, at, to, hold_ms, choice: random(1_000), coin: random(2) === 1 };
  };
  let deck = [];
  return Array.from({ length: rounds }, (_, round) => {
    if (deck.length === 0) deck = shuffled(Object.keys(kinds), random);
    const step = { round: round + 1, ...step_of(deck.pop()) };
    const beside = companions.filter((kind) => kind in kinds && kind !== step.kind);
    if (random(3) === 0 && !kinds[step.kind].is_alone && beside.length > 0) step.more = step_of(pick(beside));
    else if (kinds[step.kind].fails_over) step.hold_ms = Math.max(step.hold_ms, failover_hold_ms);
    step.leaving = Array.from({ length: rooms }, (_, at) => at).filter(() => random(2) === 0);
    step.leave_after_ms = random(step.hold_ms);
    return step;
  });
}

function shuffled(list, random) {
  const left = [...list];
  return list.map(() => left.splice(random(left.length), 1)[0]);
}
