// People who write numbered words at the end of a text, and what a text has to be that they have written: with the words
// of each of them counted from 1, a loss, a word that is there twice, and a wrong order are all seen.
//
//   const writers = editors.map((editor, i) => new Writer(i, editor));
//   await while_all_write(writers, cluster.command("move", …));
//   assert_written(text, writers);

import assert from "node:assert/strict";
import { sleep } from "./server.mjs";

export class Writer {
  constructor(number, editor) {
    Object.assign(this, { number, editor, written: 0 });
  }
  write() {
    const { text } = this.editor;
    text.insert(text.length, `<${this.number}.${++this.written}>`);
  }
}

/** All of them write, again and again, until `work` is done; returns what it returns. */
export async function while_all_write(writers, work, pause_ms = 50) {
  let is_done = false;
  const result = work.finally(() => (is_done = true));
  result.catch(() => {});
  while (!is_done) {
    for (const writer of writers) writer.write();
    await sleep(pause_ms);
  }
  return result;
}

/** The text has every word of these writers, once, those of each in their order, and nothing else. */
export function assert_written(text, writers) {
  assert.equal(text.replaceAll(/<\d+\.\d+>/g, ""), "", "there is nothing but words");
  const found = new Map(writers.map(({ number }) => [number, []]));
  for (const [word, number, count] of text.matchAll(/<(\d+)\.(\d+)>/g)) {
    assert.ok(found.has(Number(number)), `${word} is one of theirs`);
    found.get(Number(number)).push(Number(count));
  }
  for (const { number, written } of writers) {
    const expected = Array.from({ length: written }, (_, i) => i + 1);
    assert.deepEqual(found.get(number), expected, `the words of writer ${number}, each once and in their order`);
  }
}
