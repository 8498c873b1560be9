// Who may read and write: tokens, their end, and which web pages may open a socket from somebody's browser.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import * as Y from "yjs";
import {
  BareClient,
  Editor,
  close_clients,
  fresh_name,
  make_sync,
  open_bare,
  open_editor,
  read_afresh,
  refused_status,
  sync,
  typed,
} from "./support/client.mjs";
import { octavo, sleep, start_server, wait_for } from "./support/server.mjs";

const secret = "a secret of the tests that is longer than thirty-two bytes";
let server; // wants tokens
let open_server; // on loopback without a secret
let folder;
let secret_file;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "octavo-access-"));
  secret_file = join(folder, "secret");
  await writeFile(secret_file, secret, { mode: 0o600 });
  server = await start_server({ args: ["--secret-file", secret_file] });
  open_server = await start_server();
});
after(async () => {
  await server?.dispose();
  await open_server?.dispose();
  await rm(folder, { recursive: true, force: true });
});
afterEach(close_clients);

async function make_token(doc, access, { user = "anna", expires = "60s" } = {}) {
  const { stdout } = await octavo(
    "token",
    "--secret-file",
    secret_file,
    "--doc",
    doc,
    "--access",
    access,
    "--user",
    user,
    "--expires",
    expires,
  );
  return stdout.trim();
}

/** How the server ends a connection that it does not want: the close code, or the HTTP status of the refusal. */
async function fate(at, path, options) {
  const client = new BareClient(at, path, options);
  try {
    await client.opened();
  } catch (error) {
    if (error.status !== undefined) return error.status;
    throw error;
  }
  return client.until_closed();
}

test("without a token of ours the connection ends with 4401 and the provider stops", async () => {
  const name = fresh_name();
  const token = await make_token(name, "write");
  const [header, payload, signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (text, key) => `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;

  assert.equal(sign(`${header}.${payload}`, secret), token, "the test knows how tokens are made");
  const bad_tokens = {
    "no token": "",
    "not a token": "x",
    "another secret": sign(`${header}.${payload}`, "another secret that is long enough to be one"),
    "a changed claim": `${header}.${encode({ ...claims, user: "mallory" })}.${signature}`,
    "algorithm none": `${encode({ alg: "none", typ: "JWT" })}.${payload}.`,
    "another algorithm": `${encode({ alg: "HS384", typ: "JWT" })}.${payload}.${createHmac("sha384", secret)
      .update(`${encode({ alg: "HS384", typ: "JWT" })}.${payload}`)
      .digest("base64url")}`,
    "expired long ago": sign(`${header}.${encode({ ...claims, exp: 1_000_000_000 })}`, secret),
    "no expiry": sign(`${header}.${encode({ ...claims, exp: undefined })}`, secret),
    "an expiry that is text": sign(`${header}.${encode({ ...claims, exp: "never" })}`, secret),
    "a claim that is no JSON": sign(`${header}.${Buffer.from("{").toString("base64url")}`, secret),
  };
  for (const [what, bad] of Object.entries(bad_tokens)) {
    const query = bad === "" ? "" : `?token=${encodeURIComponent(bad)}`;
    assert.equal(await fate(server, `${name}${query}`), 4401, what);
  }
  const editor = new Editor(server, name, { params: { token: "x" } });
  await wait_for("the provider gives up", () => !editor.provider.shouldConnect);
  assert.equal(editor.close_events[0], 4401);
});

test("a token opens its document and no other", async () => {
  const name = fresh_name();
  const token = await make_token(name, "write");
  const anna = await open_editor(server, name, { params: { token } });
  anna.text.insert(0, "hello");
  await anna.until_durable();
  assert.equal(await fate(server, `${fresh_name()}?token=${token}`), 4403);
  assert.equal(await fate(server, `${name}x?token=${token}`), 4403);
  assert.equal(await fate(server, `${name}/x?token=${token}`), 4403);
});

test("the token may come in the Authorization header", async () => {
  const name = fresh_name();
  const token = await make_token(name, "write");
  const anna = await open_editor(server, name, { headers: { Authorization: `Bearer ${token}` } });
  anna.text.insert(0, "x");
  await anna.until_durable();
});

test("the token may come in a cookie", async () => {
  const name = fresh_name();
  const token = await make_token(name, "write");
  const answer = await fetch(`${server.http_url}/api/session`, {
    method: "POST",
    body: JSON.stringify({ token }),
    headers: { "Content-Type": "application/json" },
  });
  assert.ok(answer.ok, `signing in answered ${answer.status}`);
  const cookie = answer.headers.get("set-cookie");
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=(Strict|Lax)/i);
  const anna = await open_editor(server, name, { headers: { Cookie: cookie.split(";")[0] } });
  anna.text.insert(0, "x");
  await anna.until_durable();
});

test("a reader sees edits and presence, shows its own presence, and cannot edit", async () => {
  const name = fresh_name();
  const write = { params: { token: await make_token(name, "write") } };
  const read_token = await make_token(name, "read", { user: "ben" });
  const read = { params: { token: read_token } };
  const anna = await open_editor(server, name, write);
  anna.text.insert(0, "anna wrote this");
  await anna.until_durable();

  const ben = await open_editor(server, name, read);
  await wait_for("ben reads", () => ben.text.toString() === "anna wrote this");
  ben.awareness.setLocalStateField("user", { name: "Ben" });
  await wait_for("anna sees ben", () => anna.others().get(ben.doc.clientID)?.user?.name === "Ben");

  ben.text.insert(0, "ben was here: ");
  ben.text.delete(14, 5);
  const bare = await open_bare(server, `${name}?token=${read_token}`);
  bare.send(make_sync(sync.update, typed(new Y.Doc(), "as an update")));
  bare.send(make_sync(sync.step2, typed(new Y.Doc(), "as a Step2")));
  anna.text.insert(15, "!");
  await wait_for("ben still hears anna", () => ben.text.toString().endsWith("!"));
  await wait_for("ben is told", () => ben.refusals.length > 0);
  await sleep(300);
  assert.equal(anna.text.toString(), "anna wrote this!");
  assert.equal((await read_afresh(server, name, write)).getText("text").toString(), "anna wrote this!");
  assert.ok(ben.provider.wsconnected && bare.closed === undefined, "a reader's edit is refused, not punished");
  assert.match(ben.refusals[0], /read this document/);
});

test("a token that expires ends the connection with 4401, and what was written stays", async () => {
  const name = fresh_name();
  const anna = await open_editor(server, name, {
    params: { token: await make_token(name, "write", { expires: "8s" }) },
  });
  anna.text.insert(0, "in time");
  await anna.until_durable();
  await wait_for("the token's end", () => anna.close_events.length > 0, 30_000);
  assert.deepEqual(anna.close_events, [4401]);
  assert.equal(anna.provider.shouldConnect, false, "the provider knows that trying again is pointless");
  const copy = await read_afresh(server, name, { params: { token: await make_token(name, "read") } });
  assert.equal(copy.getText("text").toString(), "in time");
});

test("a page of another site cannot open a socket, nor ask the API, from somebody's browser", async () => {
  const name = fresh_name();
  const { port } = open_server;
  for (const origin of [
    "https://evil.example",
    "http://127.0.0.1.evil.example",
    `http://evil.example:${port}`,
    "null",
  ]) {
    assert.equal(await refused_status(open_server, name, { origin }), 403, origin);
  }
  for (const origin of [undefined, `http://127.0.0.1:${port}`, "http://localhost:5173", "http://127.0.0.1:3000"]) {
    const client = await open_bare(open_server, name, { origin });
    await client.sync();
  }
  assert.equal(await status_of("/api/documents", { Origin: "https://evil.example" }), 403);
  assert.equal(await status_of("/api/documents", { Origin: `http://127.0.0.1:${port}` }), 200);
  // A name of the attacker's own that leads to 127.0.0.1 makes his page "same-origin": the Host gives it away.
  assert.equal(await status_of("/api/documents", { Host: `evil.example:${port}` }), 403);
  assert.equal(await refused_status(open_server, name, { headers: { Host: `evil.example:${port}` } }), 403);
  assert.equal(
    await refused_status(open_server, name, {
      origin: `http://evil.example:${port}`,
      headers: { Host: `evil.example:${port}` },
    }),
    403,
  );
});

/** fetch() would not send these headers. */
function status_of(path, headers) {
  return new Promise((done, fail) => {
    const request = get({ host: "127.0.0.1", port: open_server.port, path, headers }, (response) => {
      response.resume();
      done(response.statusCode);
    });
    request.on("error", fail);
  });
}

test("without a token the API lists nothing, and with one only what it is for", async () => {
  const [mine, other] = [fresh_name("mine"), fresh_name("other")];
  for (const name of [mine, other]) {
    const editor = await open_editor(server, name, { params: { token: await make_token(name, "write") } });
    editor.text.insert(0, "x");
    await editor.until_durable();
  }
  assert.equal((await fetch(`${server.http_url}/api/documents`)).status, 401);
  const token = await make_token(mine, "read");
  const answer = await fetch(`${server.http_url}/api/documents`, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual(
    (await answer.json()).documents.map(({ name }) => name),
    [mine],
  );
});

test("an origin can be allowed by name", async () => {
  const own = await start_server({ args: ["--allow-origin", "https://app.example"] });
  try {
    const client = await open_bare(own, fresh_name(), { origin: "https://app.example" });
    await client.sync();
    assert.equal(await refused_status(own, fresh_name(), { origin: "https://evil.example" }), 403);
    assert.equal(await refused_status(own, fresh_name(), { origin: "http://app.example" }), 403);
  } finally {
    close_clients();
    await own.dispose();
  }
});

test("beyond loopback it does not start without a secret", async () => {
  await assert.rejects(octavo("serve", "--listen", "0.0.0.0:0", "--data", join(folder, "never")), (error) => {
    assert.ok(error.code > 0, "it ends with an error");
    assert.match(error.stderr, /secret/i, "and tells what is missing");
    return true;
  });
});
