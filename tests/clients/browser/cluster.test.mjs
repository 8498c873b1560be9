// Three people in three browsers on three nodes, while everything that can go wrong with a cluster goes wrong in turn.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { fresh_doc, open_stage_on } from "../support/browser.mjs";
import { with_cluster } from "../support/cluster.mjs";
import { same_on_disks } from "../support/disks.mjs";
import { sleep, wait_for } from "../support/server.mjs";

const timeout = 200_000;
const names = ["Ada", "Grace", "Edsger"];
const word_pause_ms = 150;

/** Somebody writes into a document of their own, sees that it is saved, and closes the page. */
async function write_and_leave(stage, doc, server) {
  const words = "What nobody has any more but the servers";
  const author = await stage.open_doc(doc, { kind: "plain", name: "Barbara", server });
  await author.insert(words);
  await author.sees_status("Saved");
  await author.leave();
  return words;
}

/** Everybody writes words, one after the other, until stop() is called; `typed` has all of them. */
function start_typing(people) {
  const typed = [];
  let is_over = false;
  const loops = people.map(async (person, i) => {
    for (let n = 1; !is_over; ++n) {
      const word = `<${names[i]} ${n}>`;
      await person.insert(word);
      typed.push(word);
      await sleep(word_pause_ms);
    }
  });
  return {
    typed,
    async stop() {
      is_over = true;
      await Promise.all(loops);
    },
  };
}

test("the owner's machine is lost with its disk, the document moves twice, all is restarted: every word is there, once", { timeout }, async () => {
  await with_cluster({ nodes: 3 }, async (cluster) => {
    await cluster.settled({ replicas: 3 });
    const stage = await open_stage_on(cluster.node(0));
    try {
      const doc = fresh_doc("everything.txt");
      const people = [];
      for (const [i, name] of names.entries())
        people.push(await stage.open_doc(doc, { kind: "plain", name, server: cluster.node(i) }));
      const typing = start_typing(people);
      const whereabouts = async (name = doc) => JSON.parse((await cluster.command("where", name, "--json")).stdout);
      const { owner } = await whereabouts();
      for (const [i, person] of people.entries())
        await wait_for("the page says who serves it and who owns the document", async () => {
          const foot = await person.page.locator(".footer").innerText();
          return foot.includes(`n${i + 1}`) && foot.includes(`document on ${owner}`);
        });
      await sleep(1_000);
      const at = Number(owner.slice(1)) - 1;
      // The three pages offer what is missing when they come back. Of this document there is no page.
      let left = fresh_doc("left.txt");
      while ((await whereabouts(left)).owner !== owner) left = fresh_doc("left.txt");
      const left_words = await write_and_leave(stage, left, cluster.node(at));
      const sees_what_was_left = async (server) => {
        const reader = await stage.open_doc(left, { name: "Barbara", server });
        await reader.sees_text(left_words);
        await reader.leave();
      };
      await cluster.node(at).kill();
      await rm(cluster.node(at).data_dir, { recursive: true });
      await sleep(2_000);
      await sees_what_was_left(cluster.node((at + 1) % 3));
      await cluster.node(at).start();
      await cluster.settled({ replicas: 3 });
      for (const step of [1, 2]) {
        const next = `n${((at + step) % 3) + 1}`;
        await cluster.command("move", doc, next);
        assert.equal((await whereabouts()).owner, next);
        await sleep(500);
      }
      await cluster.command("rebalance");
      for (const node of cluster.nodes) {
        await node.stop();
        await sleep(500);
        await node.start();
        await cluster.settled({ replicas: 3 });
      }
      for (const node of cluster.nodes) await sees_what_was_left(node);
      await typing.stop();
      let texts;
      await wait_for(
        "everybody sees the same, with every word",
        async () => {
          texts = await Promise.all(people.map((person) => person.text()));
          return texts.every((text) => text === texts[0] && typing.typed.every((word) => text.includes(word)));
        },
        60_000,
      ).catch((error) => {
        error.message += `\n${texts?.join("\n")}`;
        throw error;
      });
      for (const word of typing.typed) assert.equal(texts[0].split(word).length, 2, `${word} is there once`);
      assert.equal(texts[0].replaceAll(/<\w+ \d+>/g, ""), "", "and nothing else");
      for (const person of people) await person.sees_status("Saved");
      await people[0].shot("cluster");
      await stage.check_pages();
      await cluster.stop();
      const held = await same_on_disks(cluster.nodes, [doc, left], 3);
      assert.equal(held.get(left), left_words);
    } finally {
      await stage.close();
    }
  });
});
