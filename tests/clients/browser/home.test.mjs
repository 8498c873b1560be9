// The list of documents, sharing, and how the page looks in light and dark, wide and narrow.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fresh_doc, stage_for_file } from "../support/browser.mjs";
import { sleep, wait_for } from "../support/server.mjs";

const timeout = 120_000;
const stage = stage_for_file({ before, after, afterEach });

test("the list is empty at first and then shows what was written", { timeout }, async () => {
  const home = await stage.now.open("/");
  await home.page.getByText("Nothing here yet.").waitFor();
  await home.shot("home-empty");

  await home.page.getByLabel("Name of the document to open or create").fill("letters/2026 & notes");
  await home.page.getByText("Plain text").click();
  await home.press("Tab");
  await home.page.getByRole("button", { name: "Open" }).click();
  await home.page.getByTestId("plain-editor").waitFor();
  assert.equal(await home.page.locator("h1").innerText(), "letters/2026 & notes");
  await home.type("Dear Ada");
  await home.sees_status("Saved");

  await home.page.getByRole("link", { name: "All documents" }).click();
  const entry = home.page.getByRole("link", { name: /letters\/2026 & notes/ });
  await entry.waitFor();
  await home.page.getByText("just now").waitFor();
  await entry.click();
  await home.page.getByTestId("plain-editor").waitFor();
  await home.sees_text("Dear Ada");
});

test("a long list comes in pages and is narrowed by how names begin", { timeout }, async () => {
  // Written through one page, as fast as a page can: the list is what is tested.
  const home = await stage.now.open("/");
  const count = 60;
  const stem = fresh_doc("many");
  for (let i = 0; i < count; ++i) {
    await home.page.evaluate(
      async (name) => {
        const socket = new WebSocket(`ws://${location.host}/${name}`);
        socket.binaryType = "arraybuffer";
        await new Promise((done, fail) => {
          socket.onopen = () => {
            // One update: the letter "x" in the text `text`, by client 1, and the question whether it is durable.
            socket.send(new Uint8Array([0, 2, 14, 1, 1, 1, 0, 4, 1, 4, 116, 101, 120, 116, 1, 120, 0]));
            socket.send(new Uint8Array([102, 1, 1]));
          };
          socket.onmessage = (event) => {
            if (new Uint8Array(event.data)[0] === 102) done();
          };
          socket.onclose = fail;
        });
        socket.close();
      },
      `${stem}-${String(i).padStart(3, "0")}`,
    );
  }
  await home.page.reload();
  const entries = home.page.locator(".entry");
  await home.page.getByRole("button", { name: "Show more" }).waitFor();
  assert.equal(await entries.count(), 50);
  await home.page.getByLabel("Show names that begin with").fill(`${stem}-05`);
  await wait_for("ten are left", async () => (await entries.count()) === 10);
  await home.page.getByLabel("Show names that begin with").fill(stem);
  await home.page.getByRole("button", { name: "Show more" }).click();
  await wait_for("all are there", async () => (await entries.count()) === count);

  // Coming back to the tab reads the list again, all of it, and a node that is away leaves it as it was.
  const read_again = async (path) => {
    const answered = home.page.waitForEvent(path, (request) => request.url().includes("/api/documents"));
    await home.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await answered;
  };
  await read_again("requestfinished");
  await sleep(200);
  assert.equal(await entries.count(), count);
  await home.page.route("**/api/documents*", (route) => route.abort());
  await read_again("requestfailed");
  await home.page.getByText("This list may be out of date.").waitFor();
  assert.equal(await entries.count(), count);
  await home.page.unroute("**/api/documents*");
  await read_again("requestfinished");
  await wait_for("the list is up to date", async () => (await home.page.getByRole("alert").count()) === 0);
  assert.equal(await entries.count(), count);

  const names = await home.page.locator(".entry-name").allInnerTexts();
  assert.equal(new Set(names).size, count);
  await home.page.getByLabel("Show names that begin with").fill("no such beginning");
  await home.page.getByText("No name begins with").waitFor();
});

test("a new document needs no name, and a name that cannot be is told", { timeout }, async () => {
  const home = await stage.now.open("/");
  await home.page.getByLabel("Name of the document to open or create").fill("a/../b");
  await home.press("Enter");
  await home.page.getByRole("alert").getByText("cannot stand between slashes").waitFor();
  await home.page.getByLabel("Name of the document to open or create").fill("");
  await home.page.getByRole("button", { name: "New document" }).click();
  await home.text_box.waitFor();
  assert.match(await home.page.locator("h1").innerText(), /^untitled-/);
  const bad = await stage.now.open("/?doc=a/../b");
  await bad.page.getByText("No such document").waitFor();
});

test("the link to share opens the same document", { timeout }, async () => {
  const doc = fresh_doc("share it/with others");
  const ada = await stage.now.open_doc(doc, { kind: "plain" });
  await ada.type("shared");
  await ada.sees_status("Saved");
  await ada.page.getByRole("button", { name: "Copy a link to this document" }).click();
  await ada.page.getByText("Link copied").waitFor();
  const link = new URL(await ada.page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(link.origin, stage.now.server.http_url);
  const grace = await stage.now.open(link.pathname + link.search);
  await grace.sees_text("shared");
});

/** WCAG contrast of an element's text against what is painted behind it. */
async function contrast(person, selector) {
  return person.page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const rgb = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const luminance = (channels) => {
        const [r, g, b] = channels.slice(0, 3).map((value) => {
          const part = value / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      let behind = element;
      while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
      const a = luminance(rgb(getComputedStyle(element).color));
      const b = luminance(rgb(getComputedStyle(behind ?? document.body).backgroundColor));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
}

for (const scheme of ["light", "dark"]) {
  for (const [shape, size] of [
    ["wide", { width: 1200, height: 800 }],
    ["narrow", { width: 390, height: 780, touch: true }],
  ]) {
    test(`the page is readable and fits: ${scheme}, ${shape}`, { timeout }, async () => {
      const doc = fresh_doc(`field-notes-${scheme}-${shape}`);
      const ada = await stage.now.open_doc(doc, { name: "Ada Lovelace", scheme, ...size });
      await ada.text_box.focus();
      await ada.press("Control+Alt+1");
      await ada.page.keyboard.type("Field notes");
      await ada.press("Enter");
      await ada.page.keyboard.type("The river had gone down overnight, and with it the sandbar.");
      const grace = await stage.now.open_doc(doc, { name: "Grace Hopper" });
      await grace.sees_text(/sandbar/);
      await grace.type(" We walked the bank.");
      await ada.sees_text(/walked the bank/);
      await ada.sees_carets("Grace Hopper");
      await ada.shot(`document-${scheme}-${shape}`);

      const background = await ada.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const bright = Number(/\d+/.exec(background)[0]) > 127;
      assert.equal(bright, scheme === "light", background);
      assert.ok((await contrast(ada, ".prose p")) >= 7);
      for (const selector of [".document-name", ".status", ".footer span", ".face", ".peer-label"]) {
        const value = await contrast(ada, selector);
        assert.ok(value >= 4.5, `${selector}: ${value.toFixed(2)}`);
      }
      const overflow = await ada.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);

      const home = await stage.now.open("/", { scheme, ...size });
      await home.page.locator(".entry").first().waitFor();
      await home.shot(`home-${scheme}-${shape}`);
      for (const selector of [".entry-name", ".entry-time", ".kind", ".open-button"]) {
        const value = await contrast(home, selector);
        assert.ok(value >= 4.5, `${selector}: ${value.toFixed(2)}`);
      }
      const home_overflow = await home.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(home_overflow <= 0, `the list is ${home_overflow} px too wide`);
    });
  }
}

test("the theme button overrules the system and is remembered", { timeout }, async () => {
  const person = await stage.now.open("/", { scheme: "light" });
  const background = () => person.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  const button = person.page.getByRole("button", { name: /^Colours:/ });
  await button.click();
  await button.click();
  const dark = await background();
  assert.notEqual(dark, light);
  await person.page.reload();
  await button.waitFor();
  assert.equal(await background(), dark);
});

test("the form for the name takes the focus and gives it back", { timeout }, async () => {
  const ada = await stage.now.open_doc(fresh_doc("focus"), { name: "Ada" });
  const focused = () =>
    ada.page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.id);
  for (const key of ["Escape", "Enter"]) {
    await ada.page.getByRole("button", { name: /Change your name/ }).click();
    await wait_for("the form has the focus", async () => (await focused()) === "own-name");
    await ada.press(key);
    assert.match(await focused(), /Change your name/);
  }
});

test("the toolbar is one stop for Tab and is walked with the arrow keys", { timeout }, async () => {
  const ada = await stage.now.open_doc(fresh_doc("keys"));
  await ada.page.locator("[role=toolbar]").waitFor();
  const stops = await ada.page
    .locator("[role=toolbar] button")
    .evaluateAll((buttons) => buttons.filter((button) => button.tabIndex === 0).length);
  assert.equal(stops, 1);
  await ada.page.locator("[data-item=undo]").focus();
  await ada.press("ArrowRight", "ArrowRight");
  assert.equal(await ada.page.evaluate(() => document.activeElement.dataset.item), "heading1");
  await ada.press("Enter");
  await ada.page.keyboard.type("A title");
  await ada.page.locator(".prose h1", { hasText: "A title" }).waitFor();
});
