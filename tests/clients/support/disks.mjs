// What the disks of a cluster hold, once its nodes have stopped: every replica of a document has the same edits, and
// numbers without a gap.

import assert from "node:assert/strict";
import { octavo } from "./server.mjs";

/**
 * Compares all replicas of `documents` (names), each of which must be on `replicas` disks, and checks each store.
 * Returns the text of each document, by name.
 */
export async function same_on_disks(nodes, documents, replicas) {
  const found = new Map(documents.map((name) => [name, []]));
  for (const node of nodes) {
    const listed = await octavo("doc", "list", "--data", node.data_dir, "--json");
    const lines = listed.stdout.split("\n").filter((line) => line !== "");
    for (const { name, seq } of lines.map((line) => JSON.parse(line))) {
      if (!found.has(name)) continue;
      const shown = await octavo("doc", "export", name, "--data", node.data_dir, "--format", "text", "--root", "text");
      found.get(name).push({ seq, text: shown.stdout.trimEnd() });
    }
  }
  for (const [name, copies] of found) {
    assert.equal(copies.length, replicas, `${name} is on ${replicas} disks`);
    for (const { seq, text } of copies) {
      assert.equal(seq, copies[0].seq, `${name}: all replicas have the same edits`);
      assert.equal(text, copies[0].text, `${name}: all replicas hold the same text`);
    }
  }
  // It verifies every checksum, and that each document's numbers have no gap.
  for (const node of nodes) {
    await octavo("store", "check", "--data", node.data_dir).catch(({ stdout, message }) =>
      assert.fail(`${node.data_dir}: ${message}\n${stdout}`));
  }
  return new Map([...found].map(([name, [first]]) => [name, first.text]));
}
