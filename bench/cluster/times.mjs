// How long people wait: what the measurements of a cluster share.

import { wait_for } from "../../tests/clients/support/server.mjs";

/** Prints a line with the median, p99 and the worst of some times. */
export function line(title, times_ms) {
  const sorted = [...times_ms].sort((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN);
  console.log(`${title.padEnd(58)} n=${sorted.length}  median ${at(0.5)} ms  p99 ${at(0.99)} ms  worst ${at(1)} ms`);
}

/** Each editor inserts something; returns how long after `started` (performance.now()) each of these is durable, in ms. */
export function until_durable(editors, started) {
  return Promise.all(
    editors.map(async (one) => {
      one.text.insert(0, "x");
      const mark = one.durable + 1;
      one.ask_durable(mark);
      await wait_for("the edit is durable", () => one.durable >= mark, 60_000);
      return performance.now() - started;
    }),
  );
}
