// Every editor that README names, on stock packages in a page of another origin (../editors), between two people.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { build_bed } from "../editors/build.mjs";
import { fresh_doc, stage_for_file } from "../support/browser.mjs";
import { wait_for } from "../support/server.mjs";

const timeout = 120_000;
const patience_ms = Number(process.env.OCTAVO_PATIENCE_MS ?? 20_000);
const stage = stage_for_file({ before, after, afterEach });

// Where one types, what another's caret looks like, and whether one undo takes back a person's own words and no others'.
const editors = {
  blocknote: { box: ".bn-editor", caret: ".bn-collaboration-cursor__base" },
  codemirror: { box: ".cm-content", caret: ".cm-ySelectionCaret", undoes_own: true },
  lexical: { box: "[contenteditable=true]" },
  monaco: { box: ".monaco-editor .view-lines", caret: ".yRemoteSelectionHead" },
  prosemirror: { box: ".ProseMirror", caret: ".ProseMirror-yjs-cursor", undoes_own: true },
  quill: { box: ".ql-editor", caret: ".ql-cursor", undoes_own: true },
  tiptap: { box: ".tiptap", caret: ".collaboration-carets__caret", undoes_own: true },
};

const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".ttf": "font/ttf" };
const folder = join(tmpdir(), `octavo-editors-${process.pid}`);
let application;

before(async () => {
  await build_bed(folder);
  application = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const file = path === "/" ? "/index.html" : path;
    try {
      const body = await readFile(join(folder, file));
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => application.listen(0, "127.0.0.1", done));
});

after(async () => {
  application.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(editor, doc, name) {
  const query = new URLSearchParams({ editor, doc, name, node: `127.0.0.1:${stage.now.server.port}` });
  const person = await stage.now.open(`http://127.0.0.1:${application.address().port}/?${query}`);
  await person.page.locator(editors[editor].box).waitFor();
  await person.page.waitForFunction(() => window.bed.synced);
  const sees = (text) =>
    wait_for(
      `${name} sees ${JSON.stringify(text)}`,
      async () => (await person.page.evaluate(() => window.bed.text())).trim() === text,
      patience_ms,
    );
  const types = async (text) => {
    await person.page.locator(editors[editor].box).click();
    await person.press("Control+End");
    await person.page.keyboard.type(text, { delay: 5 });
  };
  const counts_people = (count) => person.page.waitForFunction((n) => window.bed.people() === n, count);
  return Object.assign(person, { sees, types, counts_people });
}

for (const editor of Object.keys(editors)) {
  test(`${editor}: two people write, see each other, and find it all after a crash`, { timeout }, async () => {
    const doc = fresh_doc(editor);
    const ada = await open(editor, doc, "Ada");
    const grace = await open(editor, doc, "Grace");
    await ada.types("Hello from Ada 🪢.");
    await grace.sees("Hello from Ada 🪢.");
    await grace.types(" And from Grace.");
    await ada.sees("Hello from Ada 🪢. And from Grace.");
    for (const person of [ada, grace]) await person.counts_people(2);
    const { caret, undoes_own } = editors[editor];
    if (caret) await ada.page.locator(caret).first().waitFor({ state: "attached" });
    await ada.shot(`editor-${editor}`);
    const left = undoes_own ? "And from Grace." : "Hello from Ada 🪢. And from Grace.";
    if (undoes_own) {
      await ada.page.locator(editors[editor].box).click();
      await ada.press("Control+z");
      await grace.sees(left);
    }
    await grace.leave();
    await ada.counts_people(1);
    if (caret) await wait_for("the caret is gone", async () => (await ada.page.locator(caret).count()) === 0, patience_ms);

    await stage.now.server.crash_and_restart();
    const lin = await open(editor, doc, "Lin");
    await lin.sees(left);
    await lin.types(" Lin too.");
    await ada.sees(`${left} Lin too.`);
  });
}
