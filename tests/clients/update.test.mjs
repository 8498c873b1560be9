// `octavo update …` on updates of real Yjs, compared with what Yjs itself makes of them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import * as Y from "yjs";
import { chosen_seed, random_from } from "./support/random.mjs";
import { octavo_bin } from "./support/server.mjs";

const seed = chosen_seed();
console.log(`OCTAVO_SEED=${seed}`);
const folder = mkdtempSync(join(tmpdir(), "octavo-update-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `octavo update` with a number of words; an input that is given goes to standard input. */
function run(words, input) {
  const done = spawnSync(octavo_bin, ["update", ...words], { input: input ?? "", maxBuffer: 1 << 28, timeout: 60_000 });
  assert.equal(done.signal, null, `${words.join(" ")} ended by a signal`);
  return { code: done.status, out: done.stdout, text: done.stdout.toString(), err: done.stderr.toString() };
}

/** The same where it must succeed. */
function ok(words, input) {
  const answer = run(words, input);
  assert.equal(answer.code, 0, `${words.join(" ")}: ${answer.err}`);
  return answer;
}

let files = 0;
function file(content) {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, content);
  return path;
}

const odd_values = () => [
  undefined, null, true, -0, 1.5, 1e300, NaN, Infinity, 2 ** 31, 12345678901234567890n, "plain", "\u0000\u001b[31m\u202e\u009b",
  "😀 ünï", new Uint8Array([1, 2, 250]), [1, [2, { a: undefined }]], { z: 1, "10": 2, "2": { deep: [null] } }, {}, [],
];

/** Of these, what Yjs takes in a list. */
const list_values = () => odd_values().filter((each) => each !== undefined && typeof each !== "bigint");

/** Documents that have been edited at random by three people, with all that was exchanged. */
function random_documents(random, edits, gc) {
  const documents = [1, 2, 3].map((n) => {
    const doc = new Y.Doc({ gc });
    doc.clientID = n * 1000 + random(1000);
    return doc;
  });
  const updates = [];
  for (const doc of documents) doc.on("update", (update, origin) => origin !== "remote" && updates.push(update));
  for (let i = 0; i < edits; ++i) {
    const doc = documents[random(3)];
    const text = doc.getText("text");
    const map = doc.getMap("map");
    const list = doc.getArray("list");
    const xml = doc.getXmlFragment("xml");
    doc.transact(() => {
      switch (random(10)) {
        case 0:
        case 1:
          text.insert(random(text.length + 1), ["a", "word ", "é漢", "\n"][random(4)].repeat(1 + random(5)));
          break;
        case 2:
          if (text.length > 4) text.format(random(text.length - 3), 1 + random(3), { [["b", "link"][random(2)]]: [true, null, { href: "x" }][random(3)] });
          break;
        case 3:
          text.insertEmbed(random(text.length + 1), { image: `p${i}`, size: [1, 2.5] }, random(2) ? { w: 3 } : {});
          break;
        case 4:
          if (text.length > 3) text.delete(random(text.length - 2), 1 + random(2));
          if (list.length > 3) list.delete(random(list.length), 1);
          break;
        case 5:
          map.set(`key${random(5)}`, odd_values()[random(odd_values().length)]);
          break;
        case 6:
          list.insert(random(list.length + 1), [i, list_values()[random(list_values().length)], `v${i}`]);
          break;
        case 7: {
          const inner = new Y.Map();
          list.push([inner]);
          inner.set("nested", new Y.Array());
          inner.get("nested").push([1, new Uint8Array([i]), new Y.Text("deep")]);
          break;
        }
        case 8: {
          const element = new Y.XmlElement(["p", "Heading"][random(2)]);
          xml.insert(random(xml.length + 1), [element]);
          element.setAttribute("level", `${i}`);
          const inner = new Y.XmlText();
          element.insert(0, [inner]);
          inner.insert(0, `line ${i}`, random(2) ? { em: {} } : {});
          break;
        }
        default:
          if (random(3) === 0) map.set("sub", new Y.Doc({ guid: `guid-${i}`, meta: { n: i } }));
          else if (map.size > 0) map.delete([...map.keys()][random(map.size)]);
      }
    });
    if (random(4) === 0) {
      const [from, to] = [documents[random(3)], documents[random(3)]];
      Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), "remote");
    }
  }
  for (const from of documents)
    for (const to of documents) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), "remote");
  return { documents, updates, doc: documents[0] };
}

/** A value as octavo's JSON has it. */
function as_json(value) {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(BigInt.asIntN(64, value));
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(as_json);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined).map(([key, each]) => [key, as_json(each)]));
}

const type_names = ["array", "map", "text", "xml_element", "xml_fragment", "xml_hook", "xml_text"];

/** A struct that Yjs decoded, as `inspect --json` tells of it. */
function as_told(struct) {
  const told = { client: struct.id.client, clock: struct.id.clock, length: struct.length };
  if (struct instanceof Y.GC) return { ...told, kind: "gc" };
  if (struct instanceof Y.Skip) return { ...told, kind: "skip" };
  const id = ({ client, clock }) => ({ client, clock });
  if (struct.origin) told.origin = id(struct.origin);
  if (struct.rightOrigin) told.right_origin = id(struct.rightOrigin);
  if (!struct.origin && !struct.rightOrigin) {
    told.parent = typeof struct.parent === "string" ? { root: struct.parent } : id(struct.parent);
    if (struct.parentSub !== null) told.key = struct.parentSub;
  }
  const content = struct.content;
  switch (content.constructor.name) {
    case "ContentDeleted":
      return { ...told, kind: "deleted" };
    case "ContentJSON":
      return { ...told, kind: "json", values: content.arr.map(as_json) };
    case "ContentBinary":
      return { ...told, kind: "binary", base64: Buffer.from(content.content).toString("base64") };
    case "ContentString":
      return { ...told, kind: "string", text: content.str };
    case "ContentEmbed":
      return { ...told, kind: "embed", value: content.embed };
    case "ContentFormat":
      return { ...told, kind: "format", format: { key: content.key, value: content.value } };
    case "ContentAny":
      return { ...told, kind: "any", values: content.arr.map(as_json) };
    case "ContentDoc":
      return { ...told, kind: "doc", guid: content.doc.guid, options: as_json(content.opts) };
    default: {
      const encoder = new Y.UpdateEncoderV1();
      content.type._write(encoder);
      const type = { ...told, kind: "type", type: type_names[encoding.toUint8Array(encoder.restEncoder)[0]] };
      return content.type.nodeName ? { ...type, name: content.type.nodeName } : type;
    }
  }
}

/** What Yjs and octavo both tell of a struct. */
function comparable(told) {
  const { parent_from, deleted_units, notation, ...rest } = told;
  if (parent_from !== "struct") {
    delete rest.parent;
    delete rest.key;
  }
  return rest;
}

function ranges_of(ds) {
  const ranges = [];
  for (const client of [...ds.clients.keys()].sort((a, b) => b - a))
    for (const { clock, len } of [...ds.clients.get(client)].sort((a, b) => a.clock - b.clock)) {
      const last = ranges.at(-1);
      if (last?.client === client && last.clock + last.length >= clock)
        last.length = Math.max(last.length, clock + len - last.clock);
      else ranges.push({ client, clock, length: len });
    }
  return ranges;
}

function for_random_documents(body) {
  for (let i = 0; i < 4; ++i) {
    const random = random_from(seed + i);
    body(random_documents(random, 40 + random(80), i % 2 === 0), random);
  }
}

test("inspect tells the same structs and deletes as Yjs decodes, in both encodings", () => {
  for_random_documents(({ doc, updates }) => {
    const merged = Y.mergeUpdates(updates.filter((_, i) => i % 3 !== 1));
    for (const v1 of [Y.encodeStateAsUpdate(doc), merged, ...updates.slice(0, 4)]) {
      const seen = Y.decodeUpdate(v1);
      for (const [update, encoding] of [[v1, "v1"], [Y.convertUpdateFormatV1ToV2(v1), "v2"]]) {
        const told = JSON.parse(ok(["inspect", "--json"], update).text).updates[0];
        assert.equal(told.encoding, encoding);
        assert.equal(told.bytes, update.length);
        const structs = seen.structs.map((each) => as_told(each));
        assert.deepEqual(told.structs.map(comparable), structs);
        assert.deepEqual(told.deletes, ranges_of(seen.ds));
        const { from, to } = Y.parseUpdateMeta(v1);
        for (const each of told.clients) {
          assert.equal(each.from, from.get(each.client));
          assert.equal(each.to, to.get(each.client));
        }
        assert.equal(told.clients.length, from.size);
      }
    }
  });
});

test("the parent that inspect infers is the one that Yjs gives the item", () => {
  for_random_documents(({ doc }) => {
    const told = JSON.parse(ok(["inspect", "--json"], Y.encodeStateAsUpdate(doc)).text).updates[0];
    let inferred = 0;
    for (const each of told.structs) {
      if (each.kind === "gc") continue;
      const item = doc.store.clients.get(each.client)[Y.findIndexSS(doc.store.clients.get(each.client), each.clock)];
      if (!(item instanceof Y.Item)) continue;
      const parent = item.parent._item === null
        ? { root: [...doc.share.entries()].find(([, type]) => type === item.parent)[0] }
        : { client: item.parent._item.id.client, clock: item.parent._item.id.clock };
      if (each.parent === undefined) continue;
      assert.deepEqual(each.parent, parent);
      assert.equal(each.key, item.parentSub ?? undefined);
      inferred += each.parent_from !== "struct";
    }
    assert.ok(inferred > 0);
  });
});

/** A delta as octavo writes it: Yjs leaves neighbours apart where a format marker is between them that changes nothing. */
function joined(delta) {
  const operations = [];
  for (const { insert, attributes } of delta) {
    const last = operations.at(-1);
    if (typeof insert === "string" && typeof last?.insert === "string" && isDeepStrictEqual(last.attributes, attributes))
      last.insert += insert;
    else operations.push(attributes === undefined ? { insert } : { insert, attributes });
  }
  return operations;
}

test("render prints what Yjs reads from the document", () => {
  for_random_documents(({ doc, updates }) => {
    const paths = updates.map(file);
    const as = (format, root) => ok(["render", "--format", format, "--root", root, ...paths]).text.slice(0, -1);
    if (doc.getXmlFragment("xml").length > 0) assert.equal(as("xml", "xml"), doc.getXmlFragment("xml").toString());
    if (doc.getText("text").length === 0) return;
    assert.equal(as("text", "text"), doc.getText("text").toString());
    assert.deepEqual(JSON.parse(as("delta", "text")), joined(doc.getText("text").toDelta()));
  });
});

/** What a tree of `render --json` says, as toJSON() has it. */
function value_of(node) {
  switch (node.kind) {
    case "map":
    case "empty":
      return Object.fromEntries(Object.entries(node.keys ?? {}).map(([key, each]) => [key, list_of(each).at(-1)]));
    case "array":
      return (node.list ?? []).flatMap(list_of);
    case "text":
      return (node.list ?? []).filter(({ kind }) => kind === "string").map(({ text }) => text).join("");
    default:
      throw new Error(`no value of ${node.kind}`);
  }
}

function list_of(node) {
  if (node.kind === "any" || node.kind === "json") return node.values;
  if (node.kind === "binary") return [node.base64];
  if (node.kind === "doc") return [{ guid: node.guid }];
  return [value_of(node)];
}

test("the tree has all values, in place", () => {
  for_random_documents(({ doc }) => {
    const tree = JSON.parse(ok(["render", "--json"], Y.encodeStateAsUpdate(doc)).text);
    const root = (name) => tree.roots.find((each) => each.name === name) ?? { kind: "empty" };
    const map = doc.getMap("map").toJSON();
    if (doc.getMap("map").get("sub") instanceof Y.Doc) map.sub = { guid: doc.getMap("map").get("sub").guid };
    const without_undefined = (object) => Object.fromEntries(Object.entries(object).filter(([, each]) => each !== null));
    assert.deepEqual(without_undefined(value_of(root("map"))), without_undefined(as_json(map)));
    assert.deepEqual(root("list").list ? value_of(root("list")) : [], as_json(doc.getArray("list").toJSON()));
    assert.deepEqual(
      Object.fromEntries(tree.state_vector.map(({ client, clock }) => [client, clock])),
      Object.fromEntries(Y.decodeStateVector(Y.encodeStateVector(doc))),
    );
    assert.equal(tree.waiting.structs, 0);
    const elements = (root("xml").list ?? []).map(({ name, keys, list }) => [name, keys.level.values[0], list[0].list.map(({ text }) => text).join("")]);
    assert.deepEqual(elements, doc.getXmlFragment("xml").toArray().map((each) => [each.nodeName, each.getAttribute("level"), each.get(0).toDelta().map(({ insert }) => insert).join("")]));
  });
});

/** The same structs and deletes. Yjs forgets that an item with neighbours has a key when it cuts or converts an update. */
function same_update(left, right) {
  const [a, b] = [Y.decodeUpdate(left), Y.decodeUpdate(right)];
  assert.deepEqual(a.structs.map(as_told), b.structs.map(as_told));
  assert.deepEqual(ranges_of(a.ds), ranges_of(b.ds));
}

/** An update unit by unit: Yjs and octavo join structs at different places. */
function units_of(update) {
  const structs = Y.decodeUpdate(update).structs.filter((struct) => !(struct instanceof Y.Skip));
  return structs.flatMap((struct) =>
    Array.from({ length: struct.length }, (_, i) => {
      const unit = { ...as_told(struct), clock: struct.id.clock + i, length: 1 };
      if (unit.text !== undefined) unit.text = unit.text[i];
      if (unit.values !== undefined) unit.values = [unit.values[i]];
      if (i > 0 && unit.kind !== "gc") {
        delete unit.parent;
        delete unit.key;
        unit.origin = { client: unit.client, clock: unit.clock - 1 };
      }
      return unit;
    }),
  );
}

function same_units(left, right) {
  assert.deepEqual(units_of(left), units_of(right));
  assert.deepEqual(ranges_of(Y.decodeUpdate(left).ds), ranges_of(Y.decodeUpdate(right).ds));
}

test("merge, diff, state-vector and convert do what Yjs does", () => {
  for_random_documents(({ doc, updates }, random) => {
    const some = updates.filter(() => random(4) !== 0);
    if (some.length < 2) return;
    const merged = ok(["merge", ...some.map(file)]).out;
    const expected = Y.mergeUpdates(some);
    same_units(merged, expected);
    const mixed = some.map((each, i) => file(i % 2 ? Y.convertUpdateFormatV1ToV2(each) : each));
    same_units(ok(["merge", "--to", "v1", ...mixed]).out, expected);

    const state_vector = (words, input) =>
      new Map(JSON.parse(ok(["state-vector", "--json", ...words], input).text).clients.map(({ client, clock }) => [client, clock]));
    const of_yjs = Y.encodeStateVectorFromUpdate(expected);
    const without_zero = new Map([...Y.decodeStateVector(of_yjs)].filter(([, clock]) => clock !== 0));
    assert.deepEqual(new Map([...state_vector([], expected)].sort()), new Map([...without_zero].sort()));
    const encoded = ok(["state-vector", "--form", "raw"], expected).out;
    assert.deepEqual(new Map([...Y.decodeStateVector(encoded)].sort()), new Map([...without_zero].sort()));
    assert.deepEqual(state_vector(["--vector"], encoded), state_vector([], expected));

    const full = Y.encodeStateAsUpdate(doc);
    const cut = Y.diffUpdate(full, encoded);
    const full_file = file(full);
    same_update(ok(["diff", full_file, "--state-vector", file(encoded)]).out, cut);
    same_update(ok(["diff", full_file, "--state-vector", encoded.toString("hex")]).out, cut);
    same_update(ok(["diff", full_file, "--from", file(expected)]).out, cut);
    const words = ok(["state-vector"], expected).text.trim().split("\n").join(",");
    if (words !== "") same_update(ok(["diff", full_file, "--state-vector", words]).out, cut);

    const v2 = ok(["convert", "--to", "v2", full_file]).out;
    same_update(Y.convertUpdateFormatV2ToV1(v2), full);
    same_update(ok(["convert", "--to", "v1"], Y.convertUpdateFormatV1ToV2(full)).out, full);
    assert.deepEqual(ok(["convert", "--to", "v1"], v2).out, Buffer.from(full));
    ok(["validate", full_file, ...some.map(file)]);
  });
});

test("an update is read as it is copied from a console, a log or a database", () => {
  const doc = new Y.Doc();
  doc.clientID = 7;
  doc.getText("text").insert(0, "hello ".repeat(40));
  doc.getMap("map").set("k", [1, "ü"]);
  const update = Y.encodeStateAsUpdate(doc);
  const buffer = Buffer.from(update);
  const hex = buffer.toString("hex");
  const all = { maxArrayLength: null };
  const forms = {
    raw: [buffer],
    hex: [hex, hex.toUpperCase(), `0x${hex}\n`, `\\x${hex}`, `"${hex}"`, `X'${hex}'`, hex.replace(/(.{8})/g, "$1 \n"), `'${hex}',`],
    base64: [
      buffer.toString("base64"),
      buffer.toString("base64url"),
      `"${buffer.toString("base64")}"`,
      buffer.toString("base64").replace(/(.{64})/g, "$1\r\n"),
      `data:application/octet-stream;base64,${buffer.toString("base64")}`,
    ],
    list: [
      inspect(update, all),
      inspect(buffer, all).length < 200 ? `<Buffer ${hex.replace(/(..)/g, "$1 ").trim()}>` : inspect(buffer, all),
      `<Buffer ${hex.replace(/(..)/g, "$1 ").trim()}>`,
      `[${update.join(", ")}]`,
      String(update),
      JSON.stringify(update),
      JSON.stringify(buffer),
      JSON.stringify(buffer, null, 2),
      `new Uint8Array([${update.join()}])`,
      `Uint8Array(${update.length}) [${update.join(", ")}, buffer: ArrayBuffer(${update.length}), byteLength: ${update.length}]`,
    ],
  };
  for (const [form, inputs] of Object.entries(forms))
    for (const input of inputs) {
      if (form === "list" && String(input).includes("more bytes")) continue;
      const told = JSON.parse(ok(["inspect", "--json"], input).text).updates[0];
      assert.equal(told.form, form, String(input).slice(0, 60));
      assert.equal(told.bytes, update.length);
      ok(["inspect", "--input-form", form], input);
    }
  for (const cut of [inspect(update), inspect(buffer), `Uint8Array(${update.length}) [${update.slice(0, 50).join(", ")}]`, `[${update.slice(0, 50).join(", ")}, …]`]) {
    const answer = run(["inspect"], cut);
    assert.equal(answer.code, 12);
    assert.match(answer.err, /print all of it/);
  }
  assert.deepEqual(ok(["merge", "--form", "base64"], hex).text, `${buffer.toString("base64")}\n`);
  assert.deepEqual(ok(["merge", "--form", "hex", "--lines"], `${hex}\n\n${buffer.toString("base64")}\r\n`).text, `${hex}\n`);
});

test("an update in a message is pointed out, and --frame takes it out", () => {
  const doc = new Y.Doc();
  doc.getText("text").insert(0, "framed");
  const update = Y.encodeStateAsUpdate(doc);
  const message = (write, name) => {
    const encoder = encoding.createEncoder();
    if (name !== undefined) encoding.writeVarString(encoder, name);
    encoding.writeVarUint(encoder, 0);
    write(encoder);
    return encoding.toUint8Array(encoder);
  };
  for (const name of [undefined, "my document"])
    for (const write of [(to) => sync.writeUpdate(to, update), (to) => sync.writeSyncStep2(to, doc)]) {
      const frame = message(write, name);
      const refused = run(["inspect"], frame);
      assert.equal(refused.code, 12);
      assert.match(refused.err, name === undefined ? /y-websocket sync message: give --frame/ : /Hocuspocus sync message/);
      assert.deepEqual(ok(["merge", "--frame"], frame).out, Buffer.from(update));
      assert.equal(ok(["render", "--frame", "--format", "text"], Buffer.from(frame).toString("hex")).text, "framed\n");
    }
  const step1 = message((to) => sync.writeSyncStep1(to, doc));
  assert.match(run(["inspect"], step1).err, /SyncStep1/);
  assert.match(run(["inspect", "--frame"], step1).err, /state vector/);
  assert.equal(ok(["state-vector", "--frame"], step1).text, `${doc.clientID}:6\n`);
  assert.equal(ok(["state-vector", "--frame"], message((to) => sync.writeUpdate(to, update))).text, `${doc.clientID}:6\n`);
});

test("an incomplete set of updates is seen, with what is missing", () => {
  const doc = new Y.Doc();
  doc.clientID = 77;
  const updates = [];
  doc.on("update", (update) => updates.push(update));
  for (const word of ["one ", "two ", "three "]) doc.getText("text").insert(doc.getText("text").length, word);
  const other = new Y.Doc();
  other.clientID = 99;
  other.on("update", (update, origin) => origin === "own" && updates.push(update));
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  other.transact(() => other.getText("text").insert(7, "!"), "own");
  const paths = updates.map(file);
  assert.equal(ok(["render", ...paths]).text.includes("incomplete"), false);

  const partial = run(["render", paths[0], paths[2], paths[3]]);
  assert.equal(partial.code, 3);
  assert.match(partial.text, /incomplete: 2 structs \(99:0, 77:8-13\) wait for what is missing: 77:4-7/);
  const told = run(["render", "--json", paths[0], paths[2], paths[3]]);
  assert.equal(told.code, 3);
  assert.deepEqual(JSON.parse(told.text).waiting.missing, [{ client: 77, from: 4, to: 8 }]);
  const text = run(["render", "--format", "text", paths[0], paths[2]]);
  assert.deepEqual([text.code, text.text], [3, "one \n"]);
  assert.match(text.err, /77:4-7/);
  const seen = JSON.parse(ok(["inspect", "--json", paths[3]]).text).updates[0];
  assert.deepEqual(seen.needs, [{ client: 77, from: 0, to: 8 }]);
  assert.match(ok(["validate", paths[3]]).text, /^OK .* missing: 77:0-7/);
  assert.doesNotMatch(ok(["validate", "--together", ...paths]).text.split("\n")[3], /missing/);
});
