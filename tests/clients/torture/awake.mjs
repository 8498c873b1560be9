// A clock that stands still while this process had something to do and did not come to it, as on a machine that is
// stopped or has too much to do: what others took meanwhile cannot be told from that.

const tick_ms = 20;
let lost_ms = 0;
let due_ms = performance.now() + tick_ms;

const late_ms = (now_ms) => Math.max(0, now_ms - due_ms - tick_ms);

setInterval(() => {
  const now_ms = performance.now();
  lost_ms += late_ms(now_ms);
  due_ms = now_ms + tick_ms;
}, tick_ms).unref();

export function awake_ms() {
  const now_ms = performance.now();
  return now_ms - lost_ms - late_ms(now_ms);
}
