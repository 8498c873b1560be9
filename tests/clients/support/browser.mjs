// Real browsers on a real server: Chromium without a window, one context (cookies, storage) a person.
//
//   const stage = await open_stage();                       // a server and a browser
//   const ada = await stage.open("/?doc=notes", { name: "Ada" });
//   await ada.type("Hello");                                // into whichever editor the page has
//   await stage.close();
//
// Whatever a page complains about on its console, and every request that leaves the server, fails the test that calls
// `check_pages()`. With OCTAVO_SHOTS=FOLDER `shot()` writes a picture there.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { sleep, start_server, wait_for } from "./server.mjs";

const chromium_path = process.env.OCTAVO_CHROMIUM ?? "/usr/bin/chromium";
const shots_dir = process.env.OCTAVO_SHOTS;
// Sanitizer builds and busy machines are slow; a test that waits for what never comes is slow only once.
const patience_ms = Number(process.env.OCTAVO_PATIENCE_MS ?? 20_000);

const key_pause_ms = 40;

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// What a page says while its server is away or refuses it: the browser's own words about a failed request.
const expected_complaint = /net::ERR_|Failed to load resource|WebSocket connection to .* failed/;

let name_count = 0;
/** A document name that no other test uses. */
export const fresh_doc = (stem) => `${stem}-${process.pid}-${++name_count}`;

export async function open_stage(server_options) {
  const server = await start_server(server_options);
  try {
    return await open_stage_on(server);
  } catch (error) {
    await server.dispose();
    throw error;
  }
}

/** A browser at a server that runs already, and that close() disposes of. */
export async function open_stage_on(server) {
  return new Stage(server, await chromium.launch({ executablePath: chromium_path, args: flags }));
}

class Stage {
  constructor(server, browser) {
    this.server = server;
    this.browser_ = browser;
    this.people_ = [];
  }

  /**
   * Opens `path`, or a whole URL of another server, as a new person.
   * @param {object} [options] `name` as others see it; `width`, `height`, `scheme` ("light" or "dark"), `touch`;
   *     `server`, if not the stage's own
   */
  async open(path, { server = this.server, name, width = 1200, height = 800, scheme = "light", touch = false } = {}) {
    const context = await this.browser_.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      hasTouch: touch,
      isMobile: touch,
      deviceScaleFactor: touch ? 2 : 1,
    });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    if (name) await context.addInitScript((value) => localStorage.setItem("octavo.name", value), name);
    const page = await context.newPage();
    page.setDefaultTimeout(patience_ms);
    const url = new URL(path, server.http_url);
    const person = new Person([url.host, `127.0.0.1:${this.server.port}`], page);
    this.people_.push(person);
    await page.goto(url.href);
    return person;
  }

  /** Opens a document and waits for its editor. */
  async open_doc(doc, { kind, params = "", ...options } = {}) {
    const query = new URLSearchParams({ doc });
    if (kind) query.set("kind", kind);
    const person = await this.open(`/?${query}${params}`, options);
    await person.text_box.waitFor();
    return person;
  }

  /** Ends all pages opened since the last call; throws if one of them had something to complain about. */
  async check_pages() {
    const people = this.people_.splice(0);
    for (const person of people) await person.leave();
    for (const person of people) assert.deepEqual(person.complaints, []);
  }

  async close() {
    await this.browser_.close();
    await this.server.dispose();
  }
}

class Person {
  constructor(hosts, page) {
    this.page = page;
    this.complaints = [];
    page.on("console", (message) => {
      const bad = message.type() === "error" || message.type() === "warning";
      if (bad && !expected_complaint.test(message.text())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error.stack ?? error)));
    const foreign = (url) => {
      const { host, protocol } = new URL(url);
      if (!hosts.includes(host) && protocol !== "data:" && protocol !== "blob:") {
        this.complaints.push(`a request left this machine's servers: ${url}`);
      }
    };
    page.on("request", (request) => foreign(request.url()));
    page.on("websocket", (socket) => foreign(socket.url()));
  }

  /** The editable text, in either editor. */
  get text_box() {
    return this.page.getByLabel("Text of the document");
  }
  get status() {
    return this.page.getByTestId("status");
  }
  get offline_bar() {
    return this.page.getByTestId("offline");
  }

  async text() {
    return this.page.evaluate(() => {
      const plain = document.querySelector("[data-testid=plain-editor]")?.shadowRoot?.querySelector(".cm-content");
      const rich = document.querySelector(".prose");
      const box = (plain ?? rich)?.cloneNode(true);
      for (const caret of box?.querySelectorAll(".peer-caret, .cm-placeholder") ?? []) caret.remove();
      const lines = [...(box?.children ?? [])].map((line) => line.textContent);
      return lines.join("\n");
    });
  }

  /** Types at the end of the text. */
  async type(text, options) {
    await this.go_to_end();
    await this.page.keyboard.type(text, options);
  }

  /**
   * Places the caret after the last letter, and makes sure of it: ProseMirror learns of a caret that a key moved a moment
   * later, and a drawing that comes in between (of another's caret, say) puts it back.
   */
  async go_to_end() {
    await this.go_to("last", "Control+End");
  }

  /** The same behind the last letter of the first line. */
  async go_to_end_of_first_line() {
    await this.go_to("first", "Control+Home", "End");
  }

  async go_to(line, ...keys) {
    await this.text_box.focus();
    await wait_for(
      `the caret is at the end of the ${line} line`,
      async () => {
        await this.press(...keys);
        return this.page.evaluate(caret_is_at_end, line);
      },
      patience_ms,
    );
  }

  /** One key after another, no faster than a person: ProseMirror learns of a moved caret a moment after the browser. */
  async press(...keys) {
    for (const key of keys) {
      await this.page.keyboard.press(key);
      await sleep(key_pause_ms);
    }
  }

  /** Writes at the end of the text in one go, as a paste or an input method does: one step for undo. */
  async insert(text) {
    await this.go_to_end();
    await this.page.keyboard.insertText(text);
  }

  /** Clicks a button of the toolbar: "bold", "heading2", ... */
  async tool(id) {
    await this.page.locator(`[data-item=${id}]`).click();
  }

  async sees_text(expected) {
    const matches = (text) => (expected instanceof RegExp ? expected.test(text) : text === expected);
    let last;
    await wait_for(
      `the text becomes ${expected}`,
      async () => {
        last = await this.text();
        return matches(last);
      },
      patience_ms,
    ).catch((error) => {
      error.message += `; it is ${JSON.stringify(last)}`;
      throw error;
    });
  }

  async sees_status(expected, timeout_ms = patience_ms) {
    await wait_for(
      `the status becomes ${expected}`,
      async () => (await this.status.innerText()) === expected,
      timeout_ms,
    );
  }

  /** The names at the carets of others, sorted. */
  async carets() {
    return (await this.page.locator(".peer-caret .peer-label").allTextContents()).sort();
  }

  async sees_carets(...names) {
    const wanted = JSON.stringify(names.sort());
    await wait_for(`carets are ${wanted}`, async () => JSON.stringify(await this.carets()) === wanted, patience_ms);
  }

  /** Records every status that the page shows from now on; returns a function that reads the record. */
  async watch_status() {
    await this.status.evaluate((status) => {
      window.seen_status = [status.innerText];
      new MutationObserver(() => window.seen_status.push(status.innerText)).observe(status, {
        subtree: true,
        childList: true,
        characterData: true,
      });
    });
    return () => this.page.evaluate(() => window.seen_status);
  }

  async shot(file) {
    if (!shots_dir) return;
    await mkdir(shots_dir, { recursive: true });
    await this.page.screenshot({ path: join(shots_dir, `${file}.png`) });
  }

  async leave() {
    await this.page.context().close();
  }
}

/** Runs in the page: behind the last letter of the "first" or "last" line. */
async function caret_is_at_end(line) {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame();
  await frame();
  const prose = document.querySelector(".prose");
  // CodeMirror moves the caret itself, at once.
  if (!prose) return true;
  const { focusNode, focusOffset } = document.getSelection();
  if (!focusNode || !prose.contains(focusNode)) return false;
  const end = line === "first" ? prose.firstElementChild : prose;
  if (!end.contains(focusNode)) return false;
  const rest = document.createRange();
  rest.setStart(focusNode, focusOffset);
  rest.setEnd(end, end.childNodes.length);
  const behind = rest.cloneContents();
  for (const caret of behind.querySelectorAll(".peer-caret")) caret.remove();
  return behind.textContent === "" && behind.querySelectorAll("p, h1, h2, h3, pre").length <= 1;
}

/**
 * node:test hooks for a file: one stage for all of its tests, pages ended and checked after each.
 * @returns {{ readonly now: Stage }} whose `now` is the stage
 */
export function stage_for_file({ before, after, afterEach }, server_options) {
  const holder = { now: undefined };
  before(async () => {
    holder.now = await open_stage(typeof server_options === "function" ? await server_options() : server_options);
  });
  afterEach(async (context) => {
    if (!holder.now) return;
    if (context?.error) console.error(`the server's log:\n${holder.now.server.log()}`);
    // A test may have stopped the server and failed before starting it again.
    if (!holder.now.server.running) await holder.now.server.start();
    await holder.now.check_pages();
  });
  after(() => holder.now?.close());
  return holder;
}
