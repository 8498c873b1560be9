// Many more bytes of edits than a document has: what would have to be kept for a node that takes nothing in, or little, if
// all of it were kept. And the memory of a process meanwhile.

import { randomBytes } from "node:crypto";
import { resident_bytes, sleep, wait_for } from "../support/server.mjs";

const unanswered_max = 4;
const values_max = 4;
const value_bytes = 64 << 10;
const answer_ms_max = 60_000;
// A node that is silent for 2 s counts as gone.
const stopped_ms = 1_400;
const running_ms = 20;

/** Looks at the memory of a process ten times a second until `work` is done; resolves to the most, and to what `work` does. */
export async function peak_while(pid, work) {
  let peak = resident_bytes(pid);
  let is_over = false;
  const over = work.finally(() => (is_over = true));
  while (!is_over) {
    await Promise.race([over, sleep(100)]);
    peak = Math.max(peak, resident_bytes(pid));
  }
  return { peak, result: await over };
}

/**
 * Overwrites a few values of the editor's document, over and over, until `is_enough(written)`, with few edits on their way
 * at a time. Resolves to how many bytes were written, once all of them are durable.
 */
export async function flood(editor, is_enough) {
  const values = editor.doc.getMap("flood");
  let written = 0;
  let mark = editor.durable;
  while (!is_enough(written)) {
    values.set(String(mark % values_max), randomBytes((value_bytes / 4) * 3).toString("base64"));
    written += value_bytes;
    editor.ask_durable(++mark);
    const asked_ms = performance.now();
    while (mark - editor.durable >= unanswered_max) {
      if (performance.now() - asked_ms > answer_ms_max) throw new Error(`no edit is durable after ${answer_ms_max} ms`);
      await sleep(1);
    }
  }
  await wait_for("all of it is durable", () => editor.durable >= mark, 60_000);
  return written;
}

/** While `work` is done, the process runs for a moment now and then: often enough for nobody to think that it has gone. */
export async function slowed(pid, work) {
  let is_over = false;
  const over = work.finally(() => (is_over = true));
  while (!is_over) {
    process.kill(pid, "SIGSTOP");
    await Promise.race([over, sleep(stopped_ms)]);
    process.kill(pid, "SIGCONT");
    await sleep(running_ms);
  }
  return over;
}
