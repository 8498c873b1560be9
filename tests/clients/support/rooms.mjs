// People who type into several documents, on every node of a cluster, and what has to be true of it in the end: every
// word is there, once, on all nodes and on all their disks.
//
//   const rooms = await open_rooms(cluster, 4, "move");
//   await rooms.type(10);
//   await rooms.converged();
//   await rooms.same_on_disks();

import assert from "node:assert/strict";
import { Editor, fresh_name } from "./client.mjs";
import { same_on_disks } from "./disks.mjs";
import { sleep, wait_for } from "./server.mjs";

class Rooms {
  constructor(cluster) {
    this.cluster = cluster;
    this.rooms = [];
    this.typed = 0;
  }

  /** Everybody inserts one word, `rounds` times. Whoever is connected asks what is durable. */
  async type(rounds, pause_ms = 40) {
    for (let round = 0; round < rounds; ++round) {
      for (const room of this.rooms)
        for (const [i, one] of room.editors.entries()) {
          const word = `<${++this.typed}.${i}>`;
          one.text.insert(0, word);
          room.words.push(word);
          if (one.provider.wsconnected) one.ask_durable(this.typed);
        }
      await sleep(pause_ms);
    }
  }

  /** Types until `work` is done; returns what it returns. */
  async type_while(work) {
    let is_done = false;
    const result = work.finally(() => (is_done = true));
    result.catch(() => {});
    while (!is_done) await this.type(1);
    return result;
  }

  /**
   * All editors of each room (but those that `of` leaves out) have the same text, with each word of theirs, once, and in
   * the order in which they typed them.
   */
  async converged({ of = () => true, timeout_ms = 60_000 } = {}) {
    for (const { editors, words } of this.rooms) {
      const these = editors.filter((_, i) => of(i));
      const expected = words.filter((word) => of(Number(word.slice(word.indexOf(".") + 1, -1))));
      const has_all = (one) => {
        const text = one.text.toString();
        return expected.every((word) => text.includes(word));
      };
      try {
        await wait_for("all editors have every word", () => these.every(has_all), timeout_ms);
      } catch (error) {
        error.message += `\n${these.map((one) => lacking(one, expected)).join("\n")}`;
        throw error;
      }
      const agree = () => new Set(these.map((one) => one.text.toString())).size === 1;
      await wait_for("all editors agree", agree, timeout_ms);
      const text = these[0].text.toString();
      for (const word of expected) assert.equal(text.split(word).length, 2, `${word} is there once`);
      // Each word was put before all that its author saw, their own among it.
      const found = text.match(/<\d+\.\d+>/g) ?? [];
      for (const i of editors.keys()) {
        const own = (some) => some.filter((word) => of(i) && word.endsWith(`.${i}>`));
        assert.deepEqual(own(found), own(expected).reverse(), "the words of each are in their order");
      }
    }
  }

  /** Everything that was typed is durable, by what the server says. */
  async durable(timeout_ms = 30_000) {
    const mark = ++this.typed;
    for (const { editors } of this.rooms)
      await wait_for(
        "all is durable",
        () => {
          for (const one of editors) if (one.provider.wsconnected) one.ask_durable(mark);
          return editors.every((one) => one.durable === mark);
        },
        timeout_ms,
      );
  }

  /** Stops all nodes, and compares what their disks hold: every replica of a document is the same, edit by edit. */
  async same_on_disks(replicas) {
    const texts = this.rooms.map(({ editors }) => editors[0].text.toString());
    await this.cluster.stop();
    const names = this.rooms.map(({ name }) => name);
    const held = await same_on_disks(this.cluster.nodes, names, replicas);
    for (const [r, name] of names.entries())
      assert.equal(held.get(name), texts[r], `${name}: what is on the disk is what people see`);
  }

  /** How often each socket was closed so far. */
  closes() {
    return this.rooms.map(({ editors }) => editors.map((one) => one.close_events.length));
  }
  /** How often each editor's connection has ended, attempts in vain apart. */
  losses() {
    return this.rooms.map(({ editors }) => editors.map((one) => one.times_lost));
  }
}

/** For whoever reads a failed test: who lacks how much, and in what state its connection is. */
export function lacking(one, words) {
  const missing = words.filter((word) => !one.text.toString().includes(word));
  const { wsconnected, synced } = one.provider;
  return `${missing.length} missing (${missing.slice(0, 3)}…) connected=${wsconnected} synced=${synced} closed=${one.close_events}`;
}

/** `count` documents, each open in one editor a node. */
export async function open_rooms(cluster, count, title) {
  const rooms = new Rooms(cluster);
  for (let i = 0; i < count; ++i) {
    const name = fresh_name(title);
    const editors = [];
    for (const node of cluster.nodes) editors.push(await new Editor(node, name).synced());
    rooms.rooms.push({ name, editors, words: [] });
  }
  return rooms;
}
