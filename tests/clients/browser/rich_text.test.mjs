// Tiptap, as the page has it, between two people.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fresh_doc, stage_for_file } from "../support/browser.mjs";
import { sleep, wait_for } from "../support/server.mjs";

const timeout = 120_000;
const stage = stage_for_file({ before, after, afterEach });

async function two_people(doc = fresh_doc("rich")) {
  const ada = await stage.now.open_doc(doc, { name: "Ada Lovelace" });
  const grace = await stage.now.open_doc(doc, { name: "Grace Hopper" });
  return { doc, ada, grace };
}

test("what each of two people types appears for the other", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.type("The river had gone down.");
  await grace.sees_text("The river had gone down.");
  await grace.type(" We walked the bank.");
  await ada.sees_text("The river had gone down. We walked the bank.");
  await ada.go_to_end();
  await ada.press("Enter");
  await ada.type("Zwölf Boote ⛵🚣‍♀️, 十二");
  await grace.sees_text("The river had gone down. We walked the bank.\nZwölf Boote ⛵🚣‍♀️, 十二");
});

test("two people who type at once in different places both keep every letter in order", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.type("A: ");
  await ada.press("Enter");
  await grace.sees_text("A: \n");
  await ada.go_to_end_of_first_line();
  await grace.go_to_end();
  const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(3);
  const lower = "abcdefghijklmnopqrstuvwxyz".repeat(3);
  await Promise.all([ada.page.keyboard.type(upper, { delay: 5 }), grace.page.keyboard.type(lower, { delay: 7 })]);
  for (const person of [ada, grace]) await person.sees_text(`A: ${upper}\n${lower}`);
});

test("formats, headings and lists arrive, by key and by toolbar", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.text_box.focus();
  await ada.tool("heading1");
  await ada.page.keyboard.type("Field notes");
  await ada.press("Enter");
  await ada.page.keyboard.type("plain ");
  await ada.press("Control+b");
  await ada.page.keyboard.type("bold");
  await ada.press("Control+b", "Control+i");
  await ada.page.keyboard.type(" slanted");
  await ada.press("Control+i", "Enter");
  await ada.tool("bulletList");
  await ada.page.keyboard.type("first");
  await ada.press("Enter");
  await ada.page.keyboard.type("second");

  const text = grace.page.locator(".prose");
  await text.locator("h1", { hasText: "Field notes" }).waitFor();
  await grace.sees_text("Field notes\nplain bold slanted\nfirstsecond");
  assert.equal(await text.locator("p strong").textContent(), "bold");
  assert.equal(await text.locator("p em").textContent(), " slanted");
  assert.equal(await text.locator("ul > li").count(), 2);

  // Taking a format away must arrive as well.
  await wait_for("bold is selected, and the editor knows", async () => {
    await grace.text_box.locator("strong").dblclick();
    await sleep(200);
    const selected = await grace.page.evaluate(() => getSelection().toString());
    const pressed = await grace.page.locator("[data-item=bold]").getAttribute("aria-pressed");
    return selected === "bold" && pressed === "true";
  });
  await grace.press("Control+b");
  await wait_for("bold goes", async () => (await ada.page.locator(".prose strong").count()) === 0);
  assert.equal(await ada.page.locator("[data-item=bulletList]").getAttribute("aria-pressed"), "true");
});

test("selected text becomes a link, and an address that could run a script does not", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.type("octavo");
  await ada.press("Control+a", "Control+k");
  const address = ada.page.getByLabel("Address of the link");
  await address.fill("javascript:alert(1)");
  await ada.press("Enter");
  await ada.page.getByText("This address cannot be used for a link.").waitFor();
  await address.fill("example.org/octavo");
  await ada.press("Enter");
  const link = grace.page.locator(".prose a");
  await link.waitFor();
  assert.equal(await link.getAttribute("href"), "https://example.org/octavo");
  assert.match(await link.getAttribute("rel"), /noopener/);
  assert.equal(await link.textContent(), "octavo");
});

test("carets with names appear, move with the text, and go when the page is closed", { timeout }, async () => {
  const { doc, ada, grace } = await two_people();
  await ada.type("one two");
  await grace.sees_text("one two");
  await grace.go_to_end();
  await ada.sees_carets("Grace Hopper");
  await grace.sees_carets("Ada Lovelace");
  const third = await stage.now.open_doc(doc, { name: "Edsger" });
  await third.go_to_end();
  await ada.sees_carets("Edsger", "Grace Hopper");
  await ada.page.getByRole("img", { name: "Grace Hopper" }).waitFor();
  await third.leave();
  await ada.sees_carets("Grace Hopper");
  await grace.leave();
  await ada.sees_carets();
  await wait_for("no face but one's own", async () => (await ada.page.locator(".faces li").count()) === 1);
});

test("a new name is shown to others at once and kept for the next page", { timeout }, async () => {
  const doc = fresh_doc("rich");
  const ada = await stage.now.open_doc(doc, { name: "Ada Lovelace" });
  const guest = await stage.now.open_doc(doc);
  await guest.type("hello");
  await ada.sees_text("hello");
  await guest.page.getByRole("button", { name: /Change your name/ }).click();
  await guest.page.getByLabel("Your name, as others see it").fill("  Barbara   Liskov ");
  await guest.press("Enter");
  // The caret stays where it was: its name alone has to change.
  await guest.text_box.focus();
  await ada.sees_carets("Barbara Liskov");
  await guest.page.reload();
  await guest.text_box.waitFor();
  await guest.go_to_end();
  await ada.sees_carets("Barbara Liskov");
});

test("undo takes back one's own edits and leaves those of others", { timeout }, async () => {
  const { ada, grace } = await two_people();
  await ada.insert("mine");
  await grace.sees_text("mine");
  await grace.go_to_end();
  await grace.press("Enter");
  await grace.type("yours");
  await ada.sees_text("mine\nyours");
  await ada.text_box.focus();
  await ada.press("Control+z");
  // The paragraph that she wrote in was hers as well.
  await grace.sees_text("yours");
  await ada.sees_text("yours");
  await ada.press("Control+Shift+Z");
  await grace.sees_text("mine\nyours");
  await ada.tool("undo");
  await grace.sees_text("yours");
  await ada.sees_text("yours");
  assert.equal(await ada.page.locator("[data-item=undo]").getAttribute("aria-disabled"), "true");
});

test("a page that comes later has the whole text, and opening it changes nothing", { timeout }, async () => {
  const { doc, ada, grace } = await two_people();
  await ada.type("first");
  await ada.press("Enter");
  await ada.type("second");
  await grace.sees_text("first\nsecond");
  await ada.sees_status("Saved");
  const late = await stage.now.open_doc(doc, { params: "&debug" });
  await late.sees_text("first\nsecond");
  assert.equal(await late.page.evaluate(() => window.__octavo.session.get().edited), false);
  assert.equal(await ada.page.evaluate(() => window.__octavo), undefined);
});
