// The cluster of one run: etcd and the nodes, each in its place of the network (network.mjs), with their files below one
// folder. Runs in the people's place, from where all of them are reached.
//
// Two nodes are special: the disk of n2 is a small one of its own, which can be filled, and the clock of n3 can be set
// (clock.c; Linux has namespaces for monotonic time alone).

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fresh_name } from "../support/client.mjs";
import { Cluster, Etcd } from "../support/cluster.mjs";
import { Server, octavo, sleep } from "../support/server.mjs";

export const small_disk_at = 1;
export const small_disk_bytes = 128 << 20;
export const clock_at = 2;

const log_bytes_max = 16 << 20;
const clock_source = join(dirname(fileURLToPath(import.meta.url)), "clock.c");

export class World extends Cluster {
  constructor({ network, nodes, replicas, folder }) {
    const host = network.address("etcd");
    const data_dir = join(folder, "etcd");
    super({
      nodes,
      etcd: new Etcd({ host, port: 2379, peer_port: 2380, launcher: network.launcher("etcd"), data_dir }),
    });
    this.network = network;
    this.folder = folder;
    this.replicas = replicas;
    this.names = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
    this.cannot = {}; // what a fault needs and this machine has not: why
  }

  async start() {
    await octavo("cluster", "certs", join(this.folder, "certs"), ...this.names);
    const disk = this.disk_of(small_disk_at);
    for (const at of this.names.keys()) await mkdir(this.disk_of(at));
    // This process has mounts of its own: the disk goes with it and its nodes.
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${small_disk_bytes}`, "tmpfs", disk]);
    await this.set_clock(0);
    await this.try_("clock", () => execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", this.clock_library, clock_source]));
    await this.try_("slow", () => this.network.slow("people", 1_000_000_000));
    if (!this.cannot.slow) await this.network.unslow("people");
    return super.start();
  }
  async make_node() {
    const at = this.nodes.length;
    const name = this.names[at];
    const pem = (file) => join(this.folder, "certs", `${file}.pem`);
    const args = ["--node", name, "--cluster", this.etcd.url, "--peer-listen", `${this.network.address(name)}:7000`];
    args.push("--peer-cert", pem(name), "--peer-key", pem(`${name}-key`), "--peer-ca", pem("ca"), "--open");
    args.push("--shards", String(this.wanted.shards), "--replicas", String(this.replicas));
    args.push("--min-free-space", "16MiB", "--reserve-space", "4MiB");
    args.push("--scrub-interval", "1s", "--keep-copies", "1s");
    const launcher = this.network.launcher(name);
    if (at === clock_at && !this.cannot.clock)
      launcher.push("env", `LD_PRELOAD=${this.clock_library}`, `OCTAVO_TEST_CLOCK=${this.clock_file}`);
    return new Server({ args, host: this.network.address(name), port: 8080, data_dir: this.data_of(at), launcher, log_bytes_max });
  }

  settled(limits) {
    return super.settled({ replicas: this.replicas, ...limits });
  }
  /** Notes which shards each node owns while nothing is wrong, as now. */
  async note_owners() {
    const { shards } = await this.status();
    this.owners = shards.map(({ owner }) => owner);
  }
  /** A name for a document that this node owns while nothing is wrong, or another node if this one owns no shard. */
  async name_owned_by(at) {
    for (;;) {
      const document = fresh_name("torture");
      if (!this.owners.includes(this.names[at])) return document;
      if (this.owners[await this.shard_of(document)] === this.names[at]) return document;
    }
  }

  disk_of(at) {
    return join(this.folder, this.names[at]);
  }
  data_of(at) {
    return join(this.disk_of(at), "data");
  }
  get clock_file() {
    return join(this.folder, "clock");
  }
  get clock_library() {
    return join(this.folder, "clock.so");
  }
  /** The wall clock of one node is so much ahead of the others' from now on. */
  async set_clock(seconds) {
    const offset = Buffer.alloc(8);
    offset.writeBigInt64LE(BigInt(seconds));
    // In place: the node has it mapped.
    await writeFile(this.clock_file, offset, { flag: existsSync(this.clock_file) ? "r+" : "w" });
  }
  async try_(what, act) {
    try {
      await act();
    } catch (error) {
      this.cannot[what] = String(error.stderr || error.message).trim();
    }
  }

  /** Puts a line into the list of what was done to the cluster, with its time, beside the nodes' logs. */
  note(what) {
    appendFileSync(join(this.folder, "events.log"), `${new Date().toISOString()} ${what}\n`);
  }

  /** What the cluster says of itself, for whoever reads what went wrong. */
  async keep_status() {
    const status = await Promise.race([this.status(), sleep(5_000)]).catch((error) => ({ error: error.message }));
    await writeFile(join(this.folder, "status.json"), JSON.stringify(status ?? null, undefined, 1));
  }

  /** Every node ends, as it would with its machine; folders stay. */
  async end() {
    await Promise.all(this.nodes.map((node) => node.kill()));
    if (this.etcd.child) await this.etcd.kill();
  }

  /** Copies logs and data to `folder`, in place of what is there, for whoever wants to know what went wrong. */
  async keep(folder) {
    for (const [at, node] of this.nodes.entries()) await writeFile(join(this.folder, `${this.names[at]}.log`), node.log());
    const next = `${folder}.new`;
    await rm(next, { recursive: true, force: true });
    await mkdir(next, { recursive: true });
    for (const entry of await readdir(this.folder)) await cp(join(this.folder, entry), join(next, entry), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(next, folder);
  }
}
