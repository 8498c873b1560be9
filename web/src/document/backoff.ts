// When to try again after a lost connection. The first try comes fast, as most losses are a moment's; later ones are
// drawn evenly from an interval that doubles ("full jitter"), so that thousands of pages that lost one node do not come
// back in step.

const first_delay_ms_max = 500;
const delay_ms_min = 100;
const delay_ms_max = 20_000;

/** Codes by which a node says that it is busy or about to restart: skip the fast first tries. */
const busy_attempts = 2;
const close_service_restart = 1012;
const close_try_again_later = 1013;

/** `attempt` is 0 for the first try after a connection that worked. */
export function retry_delay_ms(attempt: number, close_code: number | null, random: () => number = Math.random): number {
  const busy = close_code === close_service_restart || close_code === close_try_again_later;
  const step = busy ? Math.max(attempt, busy_attempts) : attempt;
  const limit_ms = Math.min(delay_ms_max, first_delay_ms_max * 2 ** Math.min(step, 16));
  return delay_ms_min + random() * (limit_ms - delay_ms_min);
}
