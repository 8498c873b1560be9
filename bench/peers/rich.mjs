// What bench/crdt/rich.cpp measures, done with yjs: node rich.mjs RUNS
import * as Y from "yjs";

const runs = Number(process.argv[2] ?? 100000);
const edits = 2000;
const text = "words";

function positions() {
  let state = 7;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state * limit) / 2 ** 32);
  };
}

const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function best(work) {
  const start = processor();
  let least = Infinity;
  for (let i = 0; i < 7 && (i === 0 || processor() - start < 500); ++i) {
    const from = processor();
    work();
    least = Math.min(least, processor() - from);
  }
  return least;
}

const attributesOf = (run) => (run % 2 === 0 ? { bold: true } : { color: `#00${run % 7}` });

function measure(rich) {
  const local = new Y.Doc();
  local.clientID = 1;
  const remote = new Y.Doc();
  const body = local.getText("text");
  remote.getText("text");
  const below = positions();
  const out = { engine: "yjs", runs, rich };
  let updates = [];
  local.on("update", (update) => updates.push(update));
  const each = (name, count, work) => {
    updates = [];
    const from = processor();
    for (let i = 0; i < count; ++i) work(i);
    const until = processor();
    out[`${name}_us`] = ((until - from) * 1000) / count;
    for (const update of updates) Y.applyUpdate(remote, update);
    out[`${name}_remote_us`] = ((processor() - until) * 1000) / count;
  };
  each("build", runs, (i) => (rich ? body.insert(0, text, attributesOf(i)) : body.insert(0, text)));
  each("insert", edits, () => body.insert(below(body.length), "x"));
  each("erase", edits, () => body.delete(below(body.length - 20), 20));
  each("format", edits, (i) => body.format(below(body.length - 20), 20, { italic: i % 3 !== 0 }));
  const state = Y.encodeStateAsUpdate(local);
  out.load_ms = best(() => Y.applyUpdate(new Y.Doc(), state));
  out.encode_ms = best(() => Y.encodeStateAsUpdate(local));
  out.delta_ms = best(() => JSON.stringify(body.toDelta()));
  out.doc_bytes = state.length;
  console.log(JSON.stringify(out));
}

measure(false);
measure(true);
