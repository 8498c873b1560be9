// What the disks of a cluster hold, once its nodes have stopped: every replica of a document has the same edits under the
// same numbers, numbers without a gap, and the same state of every root.
//
// The command line tells no bytes of an edit that is in the log, and so an edit is compared by all that it does tell: its
// number, who made it and when, how much it inserted and deleted, and which of what stands in the document now, or was
// deleted since, came with it from which client. States are compared byte by byte, as one update.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { octavo, octavo_bin } from "./server.mjs";

const output_bytes_max = 256 << 20;

const lines_of = ({ stdout }) => stdout.split("\n").filter((line) => line !== "");
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** `octavo doc VERB NAME …` on the store in `data_dir`; resolves to the bytes that it prints. */
async function about(data_dir, name, verb, ...args) {
  const words = ["doc", verb, name, ...args, "--data", data_dir];
  const { stdout } = await promisify(execFile)(octavo_bin, words, { encoding: "buffer", maxBuffer: output_bytes_max });
  return stdout;
}

/** One line of JSON for each edit in the log from number `from` on; for several where one millisecond has them. */
async function edits_in(data_dir, name, from) {
  const range = from === undefined ? [] : ["--from", String(from)];
  const told = await about(data_dir, name, "history", "--gap", "0", "--limit", "0", "--json", ...range);
  return lines_of({ stdout: told.toString() });
}

/**
 * All that the store in `data_dir` tells of a document: `seq`, `state` (a digest of it as an update), `content` (all roots
 * as JSON), `first_seq` (where its log begins; undefined if it holds nothing) and, of the log from there on, `edits` and
 * `changes` (what they changed, as JSON).
 */
export async function read_copy(data_dir, name) {
  const [listed] = lines_of(await octavo("doc", "list", "--data", data_dir, "--prefix", name, "--json"))
    .map((line) => JSON.parse(line))
    .filter((one) => one.name === name);
  const copy = { data_dir, name, seq: listed.seq, set_aside: listed.quarantine_reason };
  copy.state = digest(await about(data_dir, name, "export", "--format", "update"));
  copy.content = JSON.parse(await about(data_dir, name, "export", "--format", "json"));
  await read_log(copy);
  return copy;
}

async function read_log(copy, from) {
  copy.edits = await edits_in(copy.data_dir, copy.name, from);
  if (copy.edits.length === 0) return;
  copy.first_seq = JSON.parse(copy.edits[0]).first_seq;
  const since = String(copy.first_seq - 1);
  copy.changes = (await about(copy.data_dir, copy.name, "diff", since, String(copy.seq), "--json")).toString();
}

/** Fails if two copies of a document differ, with the first thing in which they do. How far back a log goes may differ. */
export async function assert_same_copies(copies) {
  const [{ name }] = copies;
  const all_have = (what, sentence) => {
    for (const copy of copies) assert.deepEqual(copy[what], copies[0][what], `${name}: ${sentence}`);
  };
  for (const { set_aside, data_dir } of copies) assert.equal(set_aside, "", `${name} is set aside in ${data_dir}`);
  all_have("seq", "all replicas have the same last edit");
  all_have("content", "all replicas hold the same in all roots");
  all_have("state", "all replicas hold the same state, byte by byte");
  const logs = copies.filter(({ first_seq }) => first_seq !== undefined);
  const from = Math.max(...logs.map(({ first_seq }) => first_seq));
  for (const copy of logs) {
    if (copy.first_seq !== from) await read_log(copy, from);
    assert.deepEqual(copy.edits, logs[0].edits, `${name}: all logs have the same edits, number by number`);
    assert.equal(copy.changes, logs[0].changes, `${name}: all logs have the same changes, number by number`);
  }
}

/**
 * Compares all replicas of `documents` (names), each of which must be on `replicas` disks, and checks each store.
 * Returns the text of each document, by name.
 */
export async function same_on_disks(nodes, documents, replicas) {
  const found = new Map(documents.map((name) => [name, []]));
  const read_all = async ({ data_dir }) => {
    const listed = lines_of(await octavo("doc", "list", "--data", data_dir, "--json")).map((line) => JSON.parse(line).name);
    for (const name of listed) if (found.has(name)) found.get(name).push(await read_copy(data_dir, name));
  };
  await Promise.all(nodes.map(read_all));
  for (const [name, copies] of found) {
    assert.equal(copies.length, replicas, `${name} is on ${replicas} disks`);
    await assert_same_copies(copies);
  }
  // It verifies every checksum, and that each document's numbers have no gap.
  for (const { data_dir } of nodes)
    await octavo("store", "check", "--data", data_dir).catch(({ stdout, message }) =>
      assert.fail(`${data_dir}: ${message}\n${stdout}`));
  return new Map([...found].map(([name, [first]]) => [name, first.content.text ?? ""]));
}
