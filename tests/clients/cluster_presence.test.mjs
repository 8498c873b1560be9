// Who is here, across nodes: everybody sees everybody, whichever node they are on, and whatever becomes of the others.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Editor, close_clients, fresh_name, message, open_bare } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { wait_for } from "./support/server.mjs";

afterEach(close_clients);

const patience_ms = 30_000;
// Yjs renews what it said of itself every 15 s, and takes away after 30 s what it has heard no more: both would heal what
// the server has lost. So these clients do neither, nor does the server: what is right was kept right, and told.
const args = ["--presence-expiry", "1h"];

/** People with one document open, two on each node. */
class Company {
  constructor(cluster) {
    Object.assign(this, { cluster, name: fresh_name("company"), people: [] });
    this.removals = []; // of states: of whom, and at whom
  }
  async open() {
    await this.cluster.settled({ replicas: 3 });
    for (const at of this.cluster.nodes.keys()) await this.join(at, 2);
    await this.complete();
    return this;
  }
  async join(at, count = 1) {
    for (let i = 0; i < count; ++i) {
      const editor = await new Editor(this.cluster.node(at), this.name).synced(patience_ms);
      clearInterval(editor.awareness._checkInterval);
      const one = { at, editor, id: editor.doc.clientID };
      editor.awareness.on("change", ({ removed }) => {
        if (this.people.includes(one)) this.removals.push(...removed.map((id) => ({ id, at_whom: one.id })));
      });
      editor.awareness.setLocalStateField("user", { name: `somebody on n${at + 1}` });
      this.people.push(one);
    }
  }
  /** They are no part of it any more, and nobody has to see them. */
  part_with(those) {
    this.people = this.people.filter((one) => !those.includes(one));
  }
  on(at) {
    return this.people.filter((one) => one.at === at);
  }

  /** Each sees all that are here, and nobody else. */
  async complete() {
    const wanted = String(this.people.map(({ id }) => id).sort());
    const seen = ({ editor }) => String([...editor.awareness.getStates().keys()].sort());
    try {
      const all = () => this.people.every((one) => seen(one) === wanted);
      await wait_for("everybody sees all who are here, and nobody else", all, patience_ms);
    } catch (error) {
      for (const one of this.people) error.message += `\n${one.id} on n${one.at + 1} sees ${seen(one)}`;
      error.message += `\nhere are ${wanted}`;
      throw error;
    }
  }
  /** Each moves a cursor, and all see where it is. */
  async all_move(position) {
    for (const { editor } of this.people) editor.awareness.setLocalStateField("cursor", position);
    const sees = ({ editor }) => this.people.every(({ id }) => editor.awareness.getStates().get(id)?.cursor === position);
    await wait_for("everybody sees where everybody is", () => this.people.every(sees), patience_ms);
  }
  /** Who comes now, on each of `nodes`, is told of all who are here, and of nobody else. */
  async told_to_newcomers(nodes) {
    const wanted = String(this.people.map(({ id }) => id).sort());
    for (const node of nodes) {
      const late = await open_bare(node, this.name);
      const told = () => {
        const states = late.frames.flatMap((frame) => (frame.type === message.awareness ? frame.states : []));
        const last = new Map(states.map(({ client, state }) => [client, state]));
        return String([...last.keys()].filter((id) => last.get(id) !== null).sort());
      };
      await wait_for("a newcomer is told of all who are here", () => told() === wanted, patience_ms).catch((error) => {
        error.message += `\ntold of ${told()}\nhere are ${wanted}`;
        throw error;
      });
      late.close();
    }
  }
  /** One leaves in good order, and of one the socket is lost; all others see both go, and nobody else. */
  async two_leave(in_order, dropped) {
    this.part_with([in_order, dropped]);
    this.removals = [];
    in_order.editor.close();
    dropped.editor.provider.shouldConnect = false;
    dropped.editor.drop();
    await this.complete();
    this.only_removed([in_order, dropped]);
  }
  only_removed(those) {
    const others = this.removals.filter(({ id }) => !those.some((one) => one.id === id));
    assert.deepEqual(others, [], "nobody else went, not even for a moment");
  }

  async owner() {
    const { owner } = JSON.parse((await this.cluster.command("where", this.name, "--json")).stdout);
    return Number(owner.slice(1)) - 1;
  }
  async move_to(at) {
    await this.cluster.command("move", this.name, `n${at + 1}`);
    assert.equal(await this.owner(), at);
  }
}

test("all see all; a node is killed, and those who were on it are gone for the others, who stay; who leaves is gone everywhere", async () => {
  await with_cluster({ nodes: 3, args }, async (cluster) => {
    const company = await new Company(cluster).open();
    const owner = await company.owner();
    const victim = (owner + 1) % 3;
    const rest = cluster.nodes.filter((_, at) => at !== victim);
    await company.told_to_newcomers(cluster.nodes);
    const lost = company.on(victim);
    company.part_with(lost);
    await cluster.node(victim).kill();
    await company.complete();
    company.only_removed(lost);
    await company.told_to_newcomers(rest);
    await company.all_move(1);
    for (const { editor } of lost) editor.close();
    await cluster.node(victim).start();
    await company.join(victim, 2);
    await company.complete();
    await company.told_to_newcomers(cluster.nodes);
    for (const at of [0, 1, 2]) {
      await company.two_leave(company.on(at)[0], company.on((at + 1) % 3)[0]);
      await company.told_to_newcomers(cluster.nodes);
      await company.join(at);
      await company.join((at + 1) % 3);
      await company.complete();
    }
  });
});

test("a document moves from node to node: nobody goes for a moment, and all see what anybody does then", async () => {
  await with_cluster({ nodes: 3, args }, async (cluster) => {
    const company = await new Company(cluster).open();
    const owner = await company.owner();
    for (const step of [1, 2, 3, 4]) {
      const next = (owner + step) % 3;
      await company.move_to(next);
      await company.complete();
      await company.all_move(step);
      company.only_removed([]);
      await company.told_to_newcomers(cluster.nodes);
      await company.two_leave(company.on(next)[0], company.on((next + 1) % 3)[0]);
      await company.join(next);
      await company.join((next + 1) % 3);
      await company.complete();
      company.removals = [];
    }
  });
});

test("a document has moved: who comes is told of all before they stir, and who leaves is gone everywhere", async () => {
  await with_cluster({ nodes: 3, args }, async (cluster) => {
    const company = await new Company(cluster).open();
    const owner = await company.owner();
    for (const step of [1, 2, 3]) {
      const next = (owner + step) % 3;
      await company.move_to(next);
      await company.told_to_newcomers(cluster.nodes);
      await company.two_leave(company.on(next)[0], company.on((next + 1) % 3)[0]);
      await company.join(next);
      await company.join((next + 1) % 3);
      await company.complete();
    }
  });
});

test("a document's owner is killed: those who were on it are gone for the others, who stay", async () => {
  await with_cluster({ nodes: 3, args }, async (cluster) => {
    const company = await new Company(cluster).open();
    const owner = await company.owner();
    const lost = company.on(owner);
    company.part_with(lost);
    await cluster.node(owner).kill();
    await company.complete();
    company.only_removed(lost);
    await company.told_to_newcomers(cluster.nodes.filter((_, at) => at !== owner));
  });
});
