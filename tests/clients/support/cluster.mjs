// A cluster under test: one etcd and a few nodes on loopback, each with a folder of its own.
//
//   const cluster = await start_cluster({ nodes: 3 });
//   new Editor(cluster.node(0), "notes");
//   await cluster.node(0).kill();
//   await cluster.dispose();

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, free_port, octavo, sleep, wait_for } from "./server.mjs";

/** One etcd, alone. Its data outlives kill(). */
export class Etcd {
  constructor({ host = "127.0.0.1", port, peer_port, launcher = [], data_dir } = {}) {
    Object.assign(this, { host, port, peer_port, launcher, data_dir });
  }
  async start() {
    this.port ??= await free_port();
    this.peer_port ??= await free_port();
    this.data_dir ??= await mkdtemp(join(tmpdir(), "octavo-etcd-"));
    const url = `http://${this.host}:${this.port}`;
    const peer_url = `http://${this.host}:${this.peer_port}`;
    const args = ["--name", "test", "--data-dir", this.data_dir, "--log-level", "error", "--logger", "zap"];
    args.push("--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer_url);
    args.push("--initial-advertise-peer-urls", peer_url, "--initial-cluster", `test=${peer_url}`);
    const [program, ...words] = [...this.launcher, "etcd", ...args];
    const child = spawn(program, words, { stdio: "ignore" });
    this.child = child;
    this.gone = once(child, "close");
    const is_over = () => child.exitCode !== null || child.signalCode !== null;
    await wait_for(
      "etcd answers",
      async () => is_over() || (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok,
      60_000,
    );
    if (is_over()) throw new Error(`etcd ended before it was ready; its ports are ${this.port} and ${this.peer_port}`);
    return this;
  }
  async kill() {
    this.child?.kill("SIGKILL");
    await this.gone;
    this.child = undefined;
  }
  async dispose() {
    if (this.child) await this.kill();
    if (this.data_dir) await rm(this.data_dir, { recursive: true, force: true });
  }
  get url() {
    return `etcd://${this.host}:${this.port}`;
  }
}

export class Cluster {
  constructor({ nodes = 3, shards = 16, args = [], etcd = new Etcd() } = {}) {
    this.etcd = etcd;
    this.wanted = { nodes, shards, args };
    this.nodes = [];
  }
  async start() {
    await this.etcd.start();
    for (let i = 0; i < this.wanted.nodes; ++i) this.nodes.push(await this.make_node());
    await Promise.all(this.nodes.map((node) => node.start()));
    return this;
  }
  async make_node() {
    const peer = `127.0.0.1:${await free_port()}`;
    const more = this.wanted.args;
    const args = ["--node", `n${this.nodes.length + 1}`, "--cluster", this.etcd.url, "--peer-listen", peer];
    // Tests compare what disks hold: copies that nobody needs are to be gone by then.
    args.push("--keep-copies", "1s");
    args.push("--shards", String(this.wanted.shards), ...(typeof more === "function" ? more(`n${this.nodes.length + 1}`) : more));
    return new Server({ args });
  }
  /** One more node; it gets its share by and by. */
  async add_node() {
    const node = await this.make_node();
    this.nodes.push(node);
    await node.start();
    return node;
  }
  /** `octavo cluster …` to its end; rejects if it fails. */
  command(name, ...args) {
    return octavo("cluster", name, ...args, "--cluster", this.etcd.url);
  }
  async shard_of(document) {
    return JSON.parse((await this.command("where", document, "--json")).stdout).shard;
  }
  async status() {
    return JSON.parse((await this.command("status", "--json")).stdout);
  }
  /** Every shard has an owner, its replicas, which lack nothing, and no copies beside them; returns the status. */
  settled({ replicas, timeout_ms = 60_000 }) {
    return wait_for(
      "the cluster has come to rest",
      async () => {
        const status = await this.status();
        const is_whole = status.shards.every((one) => one.owner !== null && one.replicas.length === replicas);
        const is_still = status.nodes.every(
          ({ status: own }) => own && own.changing === 0 && own.copies === 0 && own.lagging_count < 3,
        );
        const is_short = status.shards_without_owner + status.shards_short_of_replicas + status.shards_elsewhere;
        return is_whole && is_still && is_short === 0 && status;
      },
      timeout_ms,
    );
  }
  /**
   * Stops all nodes, once no replica lacks anything by what each node told last, which was up to a second ago, and then
   * another second later: what people have typed is committed by now, and on all disks, where a majority is promised.
   */
  async stop() {
    await wait_for("no replica is behind", async () => {
      const { nodes } = await this.status();
      const up = new Set(nodes.filter(({ http }) => http).map(({ node }) => node));
      return nodes.every(
        ({ node, status: own }) => !up.has(node) || (own && !own.lagging.some((one) => up.has(one.node))),
      );
    });
    await sleep(1_000); // and followers hear within 50 ms what is committed
    await Promise.all(this.nodes.map((node) => node.running && node.stop()));
  }
  node(at) {
    return this.nodes[at];
  }
  log() {
    return this.nodes.map((node, i) => `=== n${i + 1}\n${node.log()}`).join("\n");
  }
  async dispose() {
    await Promise.all(this.nodes.map((node) => node.dispose().catch(() => node.kill())));
    await this.etcd.dispose();
  }
}

/** Runs `body(cluster)`; the cluster is gone afterwards. If the body failed, the reason is printed, then the logs. */
export async function with_cluster(options, body) {
  const cluster = new Cluster(options);
  try {
    await cluster.start();
    return await body(cluster);
  } catch (error) {
    // The runner tells the reason behind all that was printed, and who keeps only the beginning would miss it.
    console.error(error);
    console.error(cluster.log());
    throw error;
  } finally {
    await cluster.dispose();
  }
}
