// A program that is a member of a cluster edits a document while the node that owns it is killed: each of its edits is
// there once. Usage: OCTAVO_BIN=… node cluster_member.mjs MEMBER, the program of examples/embed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { with_cluster } from "../clients/support/cluster.mjs";
import { wait_for } from "../clients/support/server.mjs";

await with_cluster({ nodes: 3, shards: 4 }, async (cluster) => {
  const member = spawn(process.argv[2], [cluster.etcd.url, "diary"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(member, "close");
  let said = "";
  member.stdout.on("data", (bytes) => (said += bytes));
  try {
    member.stdin.write("one \n");
    await wait_for("the first edit is there", () => /^\d+: one $/m.test(said));
    const { owner } = JSON.parse((await cluster.command("where", "diary", "--json")).stdout);
    const owning = cluster.nodes.find((node) => node.args.includes(owner));
    const killed = owning.kill();
    // One is on its way while the node dies, the others come meanwhile.
    member.stdin.write("two \nthree \nfour \n");
    await killed;
    member.stdin.end("five \n");
    const [status] = await ended;
    assert.equal(status, 0);
    assert.equal(said.trimEnd().split("\n").at(-1), '{"text":"five four three two one "}');
    assert.match(said, /^\d+: five four three two one $/m);
  } finally {
    member.kill("SIGKILL");
  }
});
console.log("a member's edits outlived their owner");
