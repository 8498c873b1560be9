// Tokens in the page: signing in, reading without writing, a session that ends in the middle of a sentence.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fresh_doc, stage_for_file } from "../support/browser.mjs";
import { octavo, sleep, wait_for } from "../support/server.mjs";

const timeout = 120_000;
/** Long enough for a slow machine to open a page in. */
const session_s = 15;
let secret_dir;
const stage = stage_for_file({ before, after, afterEach }, async () => {
  secret_dir = await mkdtemp(join(tmpdir(), "octavo-secret-"));
  await writeFile(secret_file(), "a secret for this test alone, 0123456789abcdef\n", { mode: 0o600 });
  return { args: ["--secret-file", secret_file()] };
});
after(() => rm(secret_dir, { recursive: true, force: true }));

function secret_file() {
  return join(secret_dir, "secret");
}

async function token_for(doc, { access = "write", user = "ada", expires = "1h" } = {}) {
  const made = await octavo(
    ...[
      "token",
      "--secret-file",
      secret_file(),
      "--doc",
      doc,
      "--access",
      access,
      "--user",
      user,
      "--expires",
      expires,
    ],
  );
  return made.stdout.trim();
}

async function open_with(doc, token, options = {}) {
  const person = await stage.now.open(
    `/?${new URLSearchParams({ doc })}${options.params ?? ""}#token=${token}`,
    options,
  );
  await person.text_box.waitFor();
  return person;
}

async function paste_token(person, token) {
  await person.page.getByLabel("Access token").fill(token);
  await person.press("Enter");
}

test("without a token the page asks for one, and a good one opens the document", { timeout }, async () => {
  const doc = fresh_doc("locked");
  const ada = await stage.now.open(`/?doc=${doc}`);
  await ada.page.getByText("Sign-in needed").waitFor();
  await ada.shot("sign-in");
  await paste_token(ada, "eyJhbGciOiJIUzI1NiJ9.e30.forged");
  await ada.page.getByRole("alert").waitFor();
  assert.equal(await ada.text_box.count(), 0);

  const token = await token_for(doc);
  await paste_token(ada, token);
  await ada.text_box.waitFor();
  await ada.type("inside");
  await ada.sees_status("Saved");

  // The token is where no script can read it.
  const readable = await ada.page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
  );
  assert.ok(!readable.includes(token.slice(0, 20)), readable);
  const cookies = await ada.page.context().cookies();
  assert.deepEqual(
    cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite })),
    [{ httpOnly: true, sameSite: "Strict" }],
  );
});

test("a token in the address signs in and is gone from the address", { timeout }, async () => {
  const doc = fresh_doc("linked");
  const ada = await open_with(doc, await token_for(doc, { user: "Ada from the token" }));
  assert.equal(new URL(ada.page.url()).hash, "");
  await ada.page.getByRole("button", { name: "You are Ada from the token. Change your name." }).waitFor();
  await ada.type("hello");
  await ada.sees_status("Saved");
  await ada.page.reload();
  await ada.sees_text("hello");

  await ada.page.getByRole("button", { name: /Change your name/ }).click();
  await ada.page.getByText("Signed in as Ada from the token").waitFor();
  await ada.page.getByRole("button", { name: "Sign out" }).click();
  await ada.page.getByText("Sign-in needed").waitFor();
});

for (const kind of ["rich", "plain"]) {
  test(`a reader sees everything and changes nothing (${kind})`, { timeout }, async () => {
    const doc = fresh_doc(`read-${kind}`);
    const params = `&kind=${kind}`;
    const writer = await open_with(doc, await token_for(doc), { name: "Ada", params });
    await writer.type("first");
    await writer.sees_status("Saved");
    const reader = await open_with(doc, await token_for(doc, { access: "read", user: "grace" }), {
      name: "Grace",
      params: `${params}&debug`,
    });
    await reader.sees_text("first");
    await reader.page.getByTestId("read-only").waitFor();
    await reader.sees_status("Read only");
    await reader.shot(`read-only-${kind}`);
    assert.equal(await reader.text_box.getAttribute("contenteditable"), "false");
    assert.equal(await reader.page.locator("[role=toolbar]").count(), 0);
    await reader.text_box.click();
    await reader.page.keyboard.type("intruder");
    await reader.press("Control+b", "Control+z");

    await writer.type(" second");
    await reader.sees_text("first second");
    assert.equal(await reader.page.evaluate(() => window.__octavo.session.get().edited), false);
    assert.equal(await reader.page.getByTestId("notice").count(), 0);
    await writer.page.getByRole("img", { name: "Grace" }).waitFor();
  });
}

test("an edit that a reader forces out reaches nobody and never counts as saved", { timeout }, async () => {
  const doc = fresh_doc("forced");
  const writer = await open_with(doc, await token_for(doc), { params: "&kind=plain" });
  await writer.type("fair");
  await writer.sees_status("Saved");
  const reader = await open_with(doc, await token_for(doc, { access: "read" }), { params: "&kind=plain&debug" });
  await reader.sees_text("fair");
  await reader.page.evaluate(() => window.__octavo.doc.getText("text").insert(0, "un"));
  await sleep(1_500);
  await writer.type(" play");
  await writer.sees_status("Saved");
  await writer.sees_text("fair play");
  assert.equal(await reader.page.evaluate(() => window.__octavo.session.get().unsaved), true);
  await reader.sees_status("Not saved");
  const notice = await reader.page.getByTestId("notice").innerText();
  assert.match(notice, /on this page only/);
  assert.doesNotMatch(notice, /offered again/);
  // Or the page would ask before it lets the test close it.
  await reader.page.evaluate(() => window.__octavo.session.set({ unsaved: false }));
});

test("a token for another document gives no access", { timeout }, async () => {
  const doc = fresh_doc("foreign");
  const ada = await stage.now.open(`/?doc=${doc}#token=${await token_for("another")}`);
  await ada.page.getByText("No access").waitFor();
  await paste_token(ada, await token_for(doc));
  await ada.text_box.waitFor();
});

test("a session that ends while writing keeps the text and goes on after signing in", { timeout }, async () => {
  const doc = fresh_doc("expiring");
  const ada = await open_with(doc, await token_for(doc, { expires: `${session_s}s` }), { name: "Ada" });
  await ada.type("before");
  await ada.sees_status("Saved");
  await ada.page.getByText("Sign-in needed").waitFor({ timeout: 2_000 * session_s });
  await ada.sees_status("Disconnected");
  await ada.type(" and after");
  await ada.page.getByText("Your latest changes are on this page only").waitFor();
  await ada.shot("session-ended");
  await paste_token(ada, await token_for(doc));
  await ada.sees_status("Saved");
  const grace = await open_with(doc, await token_for(doc), { name: "Grace" });
  await grace.sees_text("before and after");
});

test("the list shows the documents that the token covers", { timeout }, async () => {
  const doc = fresh_doc("listed");
  for (const name of [`${doc}/one`, `${doc}/two`]) {
    const ada = await open_with(name, await token_for(`${doc}/*`));
    await ada.type("words");
    await ada.sees_status("Saved");
  }
  const stranger = await stage.now.open("/");
  await stranger.page.getByText("Sign-in needed").waitFor();
  await paste_token(stranger, await token_for(`${doc}/one`));
  await stranger.page.locator(".entry").first().waitFor();
  await wait_for("one is listed", async () => (await stranger.page.locator(".entry").count()) === 1);
  assert.equal(await stranger.page.locator(".entry-name").innerText(), `${doc}/one`);
});
