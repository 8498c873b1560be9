// What the page says about its connection and about the disk, and what it does when the server goes away.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fresh_doc, stage_for_file } from "../support/browser.mjs";
import { sleep, wait_for } from "../support/server.mjs";

const timeout = 180_000;
const reconnect_ms = 45_000;
const stage = stage_for_file({ before, after, afterEach });

/** Every one of `words` stands in `text` exactly once. */
function assert_words(text, words) {
  const counts = new Map();
  for (const word of text.split(/\s+/)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const wrong = words.filter((word) => counts.get(word) !== 1);
  assert.deepEqual(wrong, [], `in ${text}`);
}

test("an edit is shown as saved only after the server has answered for it", { timeout }, async () => {
  const { server } = stage.now;
  const ada = await stage.now.open_doc(fresh_doc("saved"));
  await ada.sees_status("Connected");
  await ada.type("first");
  await ada.sees_status("Saved");
  // A server that is stopped in mid-air keeps the connection and says nothing: nothing may count as saved.
  process.kill(server.pid, "SIGSTOP");
  try {
    const seen = await ada.watch_status();
    await ada.type(" second");
    await ada.sees_status("Saving…");
    await sleep(1_500);
    assert.deepEqual(await seen(), ["Saved", "Saving…"]);
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
  await ada.sees_status("Saved");
});

test("without a server the page says so, keeps what is written, and sends it later", { timeout }, async () => {
  const { server } = stage.now;
  const doc = fresh_doc("offline");
  const ada = await stage.now.open_doc(doc);
  await ada.type("before");
  await ada.sees_status("Saved");
  await server.kill();
  await ada.offline_bar.waitFor();
  const seen = await ada.watch_status();
  await ada.type(" during");
  await ada.offline_bar.getByText("Offline – your changes are kept on this page and will be sent.").waitFor();
  await ada.shot("offline");
  // Leaving now would lose the edit, so the browser asks first.
  const dialog = ada.page.waitForEvent("dialog");
  const closing = ada.page.close({ runBeforeUnload: true });
  const asked = await dialog;
  assert.equal(asked.type(), "beforeunload");
  await asked.dismiss();
  await closing;
  await sleep(1_000);
  assert.ok(!(await seen()).includes("Saved"), `the page showed ${await seen()}`);

  await server.start();
  await ada.page
    .getByRole("button", { name: "Try now" })
    .click({ timeout: 1_000 })
    .catch(() => undefined);
  await ada.sees_status("Saved", reconnect_ms);
  await ada.offline_bar.waitFor({ state: "detached" });
  const grace = await stage.now.open_doc(doc);
  await grace.sees_text("before during");
});

for (const kind of ["rich", "plain"]) {
  test(`a server killed while two people type (${kind}) loses no word of either`, { timeout }, async () => {
    const { server } = stage.now;
    const doc = fresh_doc(`killed-${kind}`);
    const ada = await stage.now.open_doc(doc, { kind, name: "Ada" });
    await ada.type("top");
    await ada.press("Enter");
    const grace = await stage.now.open_doc(doc, { kind, name: "Grace" });
    await grace.sees_text(/top/);
    await ada.go_to_end_of_first_line();
    await grace.go_to_end();
    const words = { ada: [], grace: [] };
    let typing = true;
    const write = async (person, list, letter) => {
      for (let i = 0; typing; ++i) {
        const word = `${letter}${i}`;
        await person.page.keyboard.type(` ${word}`, { delay: 10 });
        list.push(word);
      }
    };
    const writers = [write(ada, words.ada, "a"), write(grace, words.grace, "g")];
    await sleep(1_500);
    for (let round = 0; round < 2; ++round) {
      await server.kill();
      await sleep(700);
      await server.start();
      await sleep(2_500);
    }
    typing = false;
    await Promise.all(writers);
    assert.ok(words.ada.length > 5 && words.grace.length > 5, "both wrote through the crashes");

    for (const person of [ada, grace]) await person.sees_status("Saved", reconnect_ms);
    const all = [...words.ada, ...words.grace];
    await wait_for("both have the same text", async () => (await ada.text()) === (await grace.text()));
    assert_words(await ada.text(), all);
    await ada.sees_carets("Grace");

    // And with all pages gone and the process killed once more, the disk has it.
    await ada.leave();
    await grace.leave();
    await server.crash_and_restart();
    const late = await stage.now.open_doc(doc, { kind });
    await late.sees_text(/top/);
    assert_words(await late.text(), all);
  });
}

test("a server that ends in good order is waited for in the same way", { timeout }, async () => {
  const { server } = stage.now;
  const doc = fresh_doc("stopped");
  const ada = await stage.now.open_doc(doc);
  await ada.type("kept");
  await ada.sees_status("Saved");
  assert.equal(await server.stop(), 0);
  await ada.offline_bar.waitFor();
  await server.start();
  await ada.sees_status("Saved", reconnect_ms);
  await ada.sees_text("kept");
  await ada.type(" and more");
  await ada.sees_status("Saved");
});

test("the waits between tries grow and differ from page to page", { timeout }, async () => {
  const { server } = stage.now;
  const doc = fresh_doc("backoff");
  const people = [];
  for (let i = 0; i < 3; ++i) people.push(await stage.now.open_doc(doc, { params: "&debug" }));
  for (const person of people) {
    await person.page.evaluate(() => {
      const { session } = window.__octavo;
      window.delays_ms = [];
      let last = null;
      session.subscribe(() => {
        const { next_try_ms } = session.get();
        if (next_try_ms !== null && next_try_ms !== last) window.delays_ms.push(Math.round(next_try_ms - Date.now()));
        last = next_try_ms;
      });
    });
  }
  await server.kill();
  await sleep(8_000);
  const delays = await Promise.all(people.map((person) => person.page.evaluate(() => window.delays_ms)));
  for (const list of delays) {
    assert.ok(list.length >= 3 && list.length <= 40, `tries were ${list}`);
    assert.ok(list[0] <= 500, `the first wait was ${list[0]} ms`);
    assert.ok(Math.max(...list) > 500, `the waits never grew: ${list}`);
  }
  assert.ok(new Set(delays.map((list) => list.join())).size === people.length, `in step: ${JSON.stringify(delays)}`);
  await server.start();
  for (const person of people) await person.sees_status("Connected", reconnect_ms);
});
