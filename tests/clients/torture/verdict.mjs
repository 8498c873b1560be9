// What has to be true of a document's text, given what was typed into it and what was promised of it. Pure, so that a
// test can show that it sees a loss.

/** A word as people type it: no two are the same, and they touch without mixing. */
export const make_word = (typist, count) => `<${typist}.${count}>`;

/** How often each word stands in a text; what is no word is counted as it is. */
export function words_in(text) {
  const counts = new Map();
  for (const word of text.match(/<\d+\.\d+>|[^<]+|<[^<>]*>?/g) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/**
 * @param {Iterable<string>} promised words that were acknowledged, or seen by somebody else than their author
 * @param {Set<string>} typed all words that anybody ever typed here
 * @returns {string[]} what is wrong, one sentence a kind; empty if nothing is
 */
export function verdict({ promised, typed }, text) {
  const counts = words_in(text);
  const lost = [...promised].filter((word) => !counts.has(word));
  const doubled = [...counts.keys()].filter((word) => counts.get(word) > 1);
  const foreign = [...counts.keys()].filter((word) => !typed.has(word));
  const say = (words, what) => (words.length === 0 ? [] : [`${words.length} words ${what}: ${words.slice(0, 5).join(" ")}`]);
  return [
    ...say(lost, "that were promised are lost"),
    ...say(doubled, "are there more than once"),
    ...say(foreign, "were typed by nobody"),
  ];
}
