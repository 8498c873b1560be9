// A cluster that is hurt in every way that its promises are about, each once, in an order that the seed tells, while
// people type: nothing that was promised is lost, and all come to hold the same. scripts/torture does the same for long.
// Needs network namespaces, and so root; where they cannot be had this is skipped, unless OCTAVO_REQUIRE_NETNS is 1.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { chosen_seed } from "./support/random.mjs";
import { faults } from "./torture/faults.mjs";
import { torture } from "./torture/launch.mjs";
import { why_no_network } from "./torture/network.mjs";
import { make_plan } from "./torture/plan.mjs";
import { make_word, verdict } from "./torture/verdict.mjs";

const reason = why_no_network();
const skip = process.env.OCTAVO_REQUIRE_NETNS === "1" ? false : reason;
const kinds = Object.fromEntries(Object.entries(faults).filter(([, { is_loss }]) => !is_loss));

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
  for (const { kind, at, to, more } of plan) {
    assert.notEqual(at, to);
    if (more) assert.ok(!kinds[kind].is_alone && !kinds[more.kind].is_alone && more.kind !== kind);
  }
  assert.ok(plan.some(({ more }) => more) && plan.some(({ leaving }) => leaving.length > 0));
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

test("hurt in every way, a cluster loses nothing that it promised, and all come to hold the same", { skip }, async (t) => {
  const seed = chosen_seed();
  console.log(`OCTAVO_SEED=${seed}`);
  const report = await torture({ seed, rounds: Object.keys(kinds).length, hold_ms_max: 1_500 });
  assert.equal(report.failure, undefined);
  t.diagnostic(`${report.acknowledged} acknowledged edits, ${report.faults} faults`);
  for (const [kind, why] of Object.entries(report.cannot)) t.diagnostic(`left out: ${kind} (${why})`);
  assert.ok(report.acknowledged > 500, "too little was promised for this to mean anything");
});
