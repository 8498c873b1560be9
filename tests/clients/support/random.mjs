// Random numbers that come again with the same seed (xorshift32).

/** OCTAVO_SEED, or one that nobody has chosen; whoever takes it prints it. */
export const chosen_seed = () => Number(process.env.OCTAVO_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Returns random(below): a whole number from 0 to below - 1. */
export function random_from(seed) {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
