// Documents of people who have left. Whoever stays offers what the server lacks when they come back, and so heals a loss
// before a test can look at it. Here a client writes, hears that its words are durable, and is gone; who looks for them
// later has never had them.
//
//   const left = await leave_documents(cluster, 4, "wipe");
//   await left.write(cluster.nodes);
//   ...                                     // whatever is survived
//   await left.still_there(cluster.nodes);  // exactly those words, in their order

import assert from "node:assert/strict";
import { Editor, fresh_name, read_afresh } from "./client.mjs";

// Nobody may own a document for some seconds after its owner's end.
const patience_ms = 60_000;

class LeftDocuments {
  constructor(names) {
    this.documents = names.map((name) => ({ name, text: "" }));
    this.words = 0;
  }

  get names() {
    return this.documents.map(({ name }) => name);
  }
  /** By name, what everybody has to find. */
  get texts() {
    return new Map(this.documents.map(({ name, text }) => [name, text]));
  }

  /** Into each document somebody new writes at the end, on one of `nodes`, word by word, and leaves. */
  async write(nodes, words_each = 3) {
    const visit = async (each, node) => {
      const writer = await new Editor(node, each.name).synced(patience_ms);
      assert.equal(writer.text.toString(), each.text, `${each.name}: what was left before`);
      for (let i = 0; i < words_each; ++i) {
        const word = `<${++this.words}>`;
        writer.text.insert(writer.text.length, word);
        // Of a connection that was lost in between this would never be true.
        await writer.until_durable(i + 1, patience_ms);
        each.text += word;
      }
      writer.close();
    };
    await Promise.all(this.documents.map((each, d) => visit(each, nodes[d % nodes.length])));
  }

  /** Somebody who was never there finds all of it, and nothing else, on each of `nodes`. */
  async still_there(nodes) {
    for (const node of nodes)
      for (const { name, text } of this.documents) {
        const found = await read_afresh(node, name, { timeout_ms: patience_ms });
        assert.equal(found.getText("text").toString(), text, `${name}: what was left is there, once, and in its order`);
      }
  }
}

/** `count` documents that are empty yet; with `owner`, all of them that node's. */
export async function leave_documents(cluster, count, title, { owner } = {}) {
  const names = [];
  const { shards } = await cluster.settled({ replicas: 3 });
  while (names.length < count) {
    const name = fresh_name(`${title}-left`);
    if (owner === undefined || shards[await cluster.shard_of(name)].owner === owner) names.push(name);
  }
  return new LeftDocuments(names);
}
