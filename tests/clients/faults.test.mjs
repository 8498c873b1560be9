// Damage on disk: a torn tail, flipped bits, and a disk that is full. What the store cannot know it does not invent: a
// document is either served as it was, or refused and named.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { mkdtemp, open, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { Editor, close_clients, fresh_name, open_editor, read_afresh } from "./support/client.mjs";
import { octavo, sleep, wait_for, with_server } from "./support/server.mjs";

afterEach(close_clients);

/** All files of the store whose name matches, oldest first. */
async function files_of(server, pattern) {
  const found = (await list(server.data_dir)).filter((path) => pattern.test(path));
  const with_time = await Promise.all(found.map(async (path) => ({ path, time: (await stat(path)).mtimeMs })));
  return with_time.sort((a, b) => a.time - b.time || a.path.localeCompare(b.path)).map(({ path }) => path);
}

/** Every file below a folder. Node 18's readdir knows no recursion before 18.17. */
async function list(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const paths = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? list(path) : [path];
    }),
  );
  return paths.flat();
}

const wal_files = (server) => files_of(server, /\d+\.log$/);

async function write(server, name, text) {
  const editor = await open_editor(server, name);
  editor.text.insert(editor.text.length, text);
  await editor.until_durable();
  editor.close();
}

const text_in = async (server, name) => (await read_afresh(server, name)).getText("text").toString();

/** What becomes of a document: its text, or "refused" when the server will not serve it. */
async function text_or_refused(server, name) {
  const reader = new Editor(server, name);
  try {
    await wait_for("an answer", () => reader.provider.synced || reader.close_events.length > 0, 10_000);
    return reader.provider.synced ? reader.text.toString() : "refused";
  } finally {
    reader.close();
  }
}

async function flip_bit(path, offset) {
  const file = await open(path, constants.O_RDWR);
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0] ^= 0x10;
    await file.write(byte, 0, 1, offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

test("a torn tail is dropped, and all before it is there", async () => {
  for (const part of [0.1, 0.5, 0.9]) {
    await with_server({}, async (server) => {
      await write(server, "notes", "kept ");
      await write(server, "other", "also kept");
      const [before] = (await wal_files(server)).slice(-1);
      const size_before = (await stat(before)).size;
      await write(server, "notes", "torn".repeat(50));
      await server.kill();
      const [newest] = (await wal_files(server)).slice(-1);
      assert.equal(newest, before, "the last edit went to the same file");
      const size_after = (await stat(newest)).size;
      assert.ok(size_after > size_before);
      // As if the kill had come while the kernel wrote the last edit, which then nobody had been told of.
      await truncate(newest, size_before + Math.floor((size_after - size_before) * part));
      await server.start();
      assert.equal(await text_in(server, "notes"), "kept ");
      assert.equal(await text_in(server, "other"), "also kept");
      await write(server, "notes", "and on");
      await server.crash_and_restart();
      assert.equal(
        await text_in(server, "notes"),
        "kept and on",
        "what is written after the cut survives the next kill",
      );
    });
  }
});

test("a flipped bit in the log is reported, its document is not served, and the others are", async () => {
  await with_server({}, async (server) => {
    const filler = "filler ".repeat(20_000);
    await write(server, "first", "the first document");
    await write(server, "padding", filler);
    await write(server, "victim", "a sentence of the victim that can be found in the file");
    await write(server, "padding", filler);
    await write(server, "last", "the last document");
    await server.kill();

    let flipped = 0;
    for (const path of await wal_files(server)) {
      const at = (await readFile(path)).indexOf("sentence of the victim");
      if (at < 0) continue;
      await flip_bit(path, at);
      ++flipped;
    }
    assert.equal(flipped, 1, "the victim's text stands in the log once");
    await server.start();
    assert.equal(await text_or_refused(server, "first"), "the first document");
    assert.equal(await text_or_refused(server, "last"), "the last document");
    assert.equal(
      await text_or_refused(server, "victim"),
      "refused",
      "a document with a hole is not served as if whole",
    );
    assert.match(server.log(), /corrupt|damaged|quarantin/i, "the log says what happened");
    await write(server, "first", ", goes on");
    await server.crash_and_restart();
    assert.equal(await text_or_refused(server, "first"), "the first document, goes on");
    assert.equal(await text_or_refused(server, "victim"), "refused", "a restart does not forget it");

    await server.stop();
    await assert.rejects(octavo("store", "check", "--data", server.data_dir), (error) => {
      assert.match(`${error.stdout}${error.stderr}`, /victim/, "the check names the document");
      return true;
    });
  });
});

test("wherever a bit is flipped in the tables, no document is served wrong", async (t) => {
  const texts = new Map();
  for (let i = 0; i < 8; ++i)
    texts.set(`table-${i}`, `document ${i}: ${String.fromCharCode(97 + i).repeat(3_000)} end ${i}`);
  let refused = 0;
  for (const place of [0.05, 0.3, 0.6, 0.95]) {
    await with_server({}, async (server) => {
      for (const [name, text] of texts) await write(server, name, text);
      await server.stop();
      await octavo("store", "compact", "--data", server.data_dir);
      const tables = await files_of(server, /\.sst$/);
      assert.ok(tables.length > 0, "compacting leaves tables");
      for (const path of tables) await flip_bit(path, Math.floor((await stat(path)).size * place));
      try {
        await server.start();
      } catch (error) {
        // A store of which nothing can be read may say so and end; it may not serve something else.
        assert.match(error.message, /corrupt|damaged|checksum/i);
        ++refused;
        return;
      }
      for (const [name, text] of texts) {
        const found = await text_or_refused(server, name);
        if (found === "refused") ++refused;
        else assert.equal(found, text, `${name} with a bit flipped at ${place} of the table`);
      }
    });
  }
  t.diagnostic(`${refused} refusals`);
  assert.ok(refused > 0, "no flip hit anything: the test proves nothing");
});

/** A folder on a file system of `megabytes`, or undefined where that cannot be had. */
async function small_disk(megabytes) {
  const folder = await mkdtemp(join(tmpdir(), "octavo-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
}

async function release_disk(folder) {
  execFileSync("umount", [folder]);
  await rm(folder, { recursive: true });
}

/** Takes all that is left of the disk; removing the file gives it back. */
async function fill(disk) {
  const ballast = await open(join(disk, "ballast"), "w");
  const block = Buffer.alloc(1 << 12);
  await assert.rejects(
    async () => {
      for (;;) await ballast.write(block);
    },
    { code: "ENOSPC" },
  );
  await ballast.close();
}
const make_room = (disk) => rm(join(disk, "ballast"));

/** Runs body(disk) with a small disk of its own; skips, and says so, where none can be had. */
async function with_small_disk(t, body) {
  const disk = await small_disk(96);
  if (!disk) return t.skip("mounting a small tmpfs needs root");
  try {
    await body(disk);
  } finally {
    close_clients();
    await release_disk(disk);
  }
}

for (const { what, args, noticed } of [
  { what: "when the server has noticed", args: ["--min-free-space", "16MiB"], noticed: true },
  { what: "in the middle of typing", args: ["--min-free-space", "0"], noticed: false },
]) {
  test(`on a full disk edits are refused with a reason, and taken once there is room: ${what}`, (t) =>
    with_small_disk(t, (disk) =>
      with_server({ args, data_dir: join(disk, "data") }, async (server) => {
        const name = fresh_name();
        const [anna, ben] = [await open_editor(server, name), await open_editor(server, name)];
        anna.text.insert(0, "before ");
        await anna.until_durable(1);
        await wait_for("ben has it", () => ben.text.toString() === "before ");

        await fill(disk);
        if (noticed) {
          await wait_for("the server notices", async () => (await fetch(`${server.http_url}/readyz`)).status === 503);
        }
        for (let i = 0; i < 200 && anna.refusals.length === 0; ++i) {
          anna.text.insert(anna.text.length, `${i} `.padEnd(4_000, "x"));
          await sleep(25);
        }
        assert.ok(anna.refusals.length > 0, "an edit that cannot be stored is refused, in words");
        assert.match(anna.refusals[0], /disk|space/i);
        // An edit that was taken just before the disk was full could not be written: then the document is loaded anew.
        const may_close = noticed ? [] : [1013];
        assert.ok(
          anna.close_events.every((code) => may_close.includes(code)),
          `the connection stays: ${anna.close_events}`,
        );
        await wait_for("anna is connected", () => anna.provider.wsconnected);

        const seen_by_ben = ben.text.length;
        assert.ok(seen_by_ben < anna.text.length, "an edit that was refused is not shown to others");
        const copy = await read_afresh(server, name);
        assert.ok(copy.getText("text").toString().startsWith("before "), "reading goes on");
        assert.equal(copy.getText("text").length, seen_by_ben);
        assert.equal((await fetch(`${server.http_url}/healthz`)).status, 200);
        assert.equal((await fetch(`${server.http_url}/readyz`)).status, 503);

        await make_room(disk);
        await wait_for(
          "the refused edits arrive without a restart",
          () => ben.text.length === anna.text.length,
          30_000,
        );
        anna.text.insert(anna.text.length, " after");
        await anna.until_durable(1_000, 15_000);
        assert.equal((await fetch(`${server.http_url}/readyz`)).status, 200);
        const expected = anna.text.toString();
        close_clients();
        await server.crash_and_restart();
        assert.equal(await text_in(server, name), expected);
      }),
    ));
}

test("a server that starts on a disk that is full to the last byte serves what it has, and takes edits once there is room", (t) =>
  with_small_disk(t, (disk) =>
    with_server({ data_dir: join(disk, "data"), args: ["--min-free-space", "16MiB"] }, async (server) => {
      const name = fresh_name();
      await write(server, name, "from better days");
      await server.kill();
      await fill(disk);
      server.ready_path = "/healthz";
      await server.start();
      assert.equal(await text_in(server, name), "from better days");
      const anna = await open_editor(server, name);
      anna.text.insert(0, "refused, then taken: ");
      await wait_for("a refusal", () => anna.refusals.length > 0);
      assert.equal(await text_in(server, name), "from better days");
      await make_room(disk);
      await wait_for(
        "the edit is taken",
        async () => (await text_in(server, name)).startsWith("refused, then"),
        30_000,
      );
    }),
  ));

test("a second process on the same folder is told so, and the first goes on", async () => {
  await with_server({}, async (server) => {
    await write(server, "notes", "hello");
    await assert.rejects(octavo("serve", "--listen", "127.0.0.1:0", "--data", server.data_dir), (error) => {
      assert.ok(error.code > 0);
      assert.match(error.stderr, /another|in use|locked/i);
      return true;
    });
    assert.equal(await text_in(server, "notes"), "hello");
  });
});

test("a store of a version that is not known is refused, and not touched", async () => {
  await with_server({}, async (server) => {
    await write(server, "notes", "hello");
    await server.stop();
    const format = (await list(server.data_dir)).find((path) => path.endsWith("/FORMAT"));
    assert.ok(format, "the store carries its version");
    const original = await readFile(format, "utf8");
    await writeFile(format, original.replace(/\d+/, "999"));
    await assert.rejects(octavo("serve", "--listen", "127.0.0.1:0", "--data", server.data_dir), (error) => {
      assert.ok(error.code > 0);
      assert.match(error.stderr, /version|999/i);
      return true;
    });
    await writeFile(format, original);
    await server.start();
    assert.equal(await text_in(server, "notes"), "hello");
  });
});
