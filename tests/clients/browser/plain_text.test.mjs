// CodeMirror, as the page has it, between two people.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fresh_doc, stage_for_file } from "../support/browser.mjs";

const timeout = 120_000;
const stage = stage_for_file({ before, after, afterEach });

async function two_people(doc = fresh_doc("plain.txt")) {
  const ada = await stage.now.open_doc(doc, { kind: "plain", name: "Ada Lovelace" });
  const grace = await stage.now.open_doc(doc, { kind: "plain", name: "Grace Hopper" });
  return { doc, ada, grace };
}

test("what each of two people types appears for the other", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.type("Saturday\n- bring the rope 🪢\n");
  await grace.sees_text("Saturday\n- bring the rope 🪢\n");
  await grace.type("Sunday");
  await ada.sees_text("Saturday\n- bring the rope 🪢\nSunday");
  await ada.press("Control+a", "Delete");
  await grace.sees_text("");
});

test("two people who type at once in different lines both keep every letter in order", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.type("A: \n");
  await grace.sees_text("A: \n");
  await ada.go_to_end_of_first_line();
  await grace.go_to_end();
  const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(3);
  const lower = "abcdefghijklmnopqrstuvwxyz".repeat(3);
  await Promise.all([ada.page.keyboard.type(upper, { delay: 5 }), grace.page.keyboard.type(lower, { delay: 7 })]);
  for (const person of [ada, grace]) await person.sees_text(`A: ${upper}\n${lower}`);
});

test("words are counted also while somebody writes without a pause", { timeout }, async () => {
  const { ada, grace } = await two_people();
  const foot = ada.page.locator(".footer");
  let is_over = false;
  const writing = (async () => {
    for (let n = 0; !is_over && n < 400; ++n) await grace.insert("word ");
    assert.ok(is_over, "four hundred words were written and none was counted");
  })();
  await Promise.race([foot.getByText(/[2-9]\d* words/).waitFor(), writing]);
  is_over = true;
  await writing;
});

test("carets and selections of others appear and go when the page is closed", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.type("one\ntwo");
  await grace.sees_text("one\ntwo");
  await grace.go_to_end();
  await ada.sees_carets("Grace Hopper");
  await grace.press("Shift+Home");
  const selection = ada.page.locator(".peer-selection");
  await selection.waitFor();
  assert.equal(await selection.textContent(), "two");
  await grace.leave();
  await ada.sees_carets();
  assert.equal(await selection.count(), 0);
});

test("undo takes back one's own edits and leaves those of others", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await grace.type("yours\n");
  await ada.sees_text("yours\n");
  await ada.insert("mine");
  await grace.sees_text("yours\nmine");
  await ada.press("Control+z");
  await grace.sees_text("yours\n");
  await ada.press("Control+Shift+Z");
  await grace.sees_text("yours\nmine");
  await ada.tool("undo");
  await grace.sees_text("yours\n");
  await ada.sees_text("yours\n");
});

test("an address without a kind opens plain text where plain text is", { timeout }, async () => {
  const { doc, ada } = await two_people();
  await ada.type("words");
  await ada.sees_status("Saved");
  const late = await stage.now.open_doc(doc);
  await late.page.getByTestId("plain-editor").waitFor();
  await late.sees_text("words");
  // An empty document is rich text.
  const other = await stage.now.open_doc(fresh_doc("new"));
  await other.page.getByTestId("rich-editor").waitFor();
});
