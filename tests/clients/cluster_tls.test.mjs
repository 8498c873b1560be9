// Nodes that know each other by certificates, and what has none or another authority's.
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { close_clients } from "./support/client.mjs";
import { with_cluster } from "./support/cluster.mjs";
import { open_rooms } from "./support/rooms.mjs";
import { Server, free_port, octavo, sleep, wait_for } from "./support/server.mjs";

afterEach(close_clients);

const folder = await mkdtemp(join(tmpdir(), "octavo-certs-"));
after(() => rm(folder, { recursive: true }));
const certs_of = (node, dir = "ours") => {
  const file = (name) => join(folder, dir, `${name}.pem`);
  return ["--peer-cert", file(node), "--peer-key", file(`${node}-key`), "--peer-ca", file("ca")];
};

test("certificates are made for their owner alone, and never over others", async () => {
  const ours = join(folder, "ours");
  await octavo("cluster", "certs", ours, "n1", "n2", "n3");
  for (const name of await readdir(ours)) assert.equal((await stat(join(ours, name))).mode & 0o077, 0, name);
  await octavo("cluster", "certs", ours, "n4");
  await assert.rejects(octavo("cluster", "certs", ours, "n1"), /there is a certificate of n1/);
  await assert.rejects(octavo("cluster", "certs", ours, "N 1"), /cannot be a node's name/);
});

test("nodes talk over TLS; bytes from anybody else do no harm, and a foreign authority's node is not heard", async () => {
  await octavo("cluster", "certs", join(folder, "theirs"), "n4");
  await with_cluster({ nodes: 3, args: (node) => certs_of(node, node === "n4" ? "theirs" : "ours") }, async (cluster) => {
    const rooms = await open_rooms(cluster, 3, "tls");
    await rooms.type(5);
    const peer_port = Number(cluster.node(0).args[cluster.node(0).args.indexOf("--peer-listen") + 1].split(":")[1]);
    for (let i = 0; i < 20; ++i) {
      const socket = connect(peer_port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end(Buffer.from(Array.from({ length: 32 + i * 50 }, (_, at) => (at * 7919 + i) & 0xff)));
    }
    const stranger = await cluster.make_node();
    cluster.nodes.push(stranger);
    await stranger.start();
    await sleep(2_000);
    await rooms.type(10);
    await rooms.converged();
    const { links, owned } = await wait_for("n1 tells of itself", async () => {
      const { nodes } = await cluster.status();
      const [n1, n4] = ["n1", "n4"].map((name) => nodes.find(({ node }) => node === name));
      return n1.status && { links: n1.status.links, owned: n4.owns };
    });
    assert.deepEqual([links.n4, links.n2, owned], ["lost", "connected", 0]);
  });
});

test("a node that could not be safe, or could not work, does not start, and says why", async () => {
  const refused = async (reason, ...args) => {
    const server = new Server({ args: ["--node", "n1", "--cluster", "etcd://127.0.0.1:1", ...args] });
    await assert.rejects(server.start());
    assert.match(server.log(), reason);
    await server.dispose();
  };
  const port = await free_port();
  await refused(/beyond loopback .* --peer-cert/, "--peer-listen", `10.77.0.1:${port}`);
  await refused(/an address of this machine/, "--peer-listen", `0.0.0.0:${port}`);
  const [, n1, , n1_key, , ca] = certs_of("n1");
  const [, , , n2_key] = certs_of("n2");
  const [, , , , , other_ca] = certs_of("n4", "theirs");
  const listen = ["--peer-listen", `127.0.0.1:${port}`];
  await refused(/belong together/, ...listen, "--peer-cert", n1);
  await refused(/is not the key of/, ...listen, "--peer-cert", n1, "--peer-key", n2_key, "--peer-ca", ca);
  await refused(/is not taken by those who trust/, ...listen, "--peer-cert", n1, "--peer-key", n1_key, "--peer-ca", other_ca);
  await refused(/cannot be opened/, ...listen, "--peer-cert", "/nowhere.pem", "--peer-key", n1_key, "--peer-ca", ca);
});
