// A network of its own for one run: a router, and a place (a network namespace) for each node, for etcd and for the
// people, each on its own cable to the router. Nothing of it is in the machine's own network. Names carry the pid of the
// run, so that two runs do not meet and what a dead run left is known as such.
//
//   people  etcd  n1  n2  n3        10.77.<1, 2, 3 …>.2, an interface eth0 each
//      \     |    |   |   /
//       router                      10.77.<1, 2, 3 …>.1, interfaces to-people, to-etcd, to-n1 …
//
// What can be done to it, and what those in it notice:
// - unplug(place): the cable is out. All packets to and from it are lost; who sends to it may hear that there is no way.
// - cut(from, to): packets of the one for the other disappear in the router, and nobody is told. The other direction
//   works: a rule `from A to B blackhole` of the router's, which needs no more than what every Linux has.
// - slow(place): both directions of its cable carry so few bits a second, and what waits too long is dropped (tc tbf).

import { execFile, execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const stem = "octavo-torture-";
const rule_priority = "100";
const ends_within_ms = 5_000;

const ip = (...args) => execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const ip_later = (...args) => promisify(execFile)("ip", args);

/** Why there can be no such network here; undefined if there can. */
export function why_no_network() {
  if (process.getuid() !== 0) return "network namespaces need root";
  const network = new Network(["a", "b"], `${stem}${process.pid}-probe`);
  try {
    network.make();
    ip("-n", network.namespace("router"), "rule", "add", "from", "10.77.1.2", "to", "10.77.2.2", "blackhole");
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made: ${(error.stderr || error.message).trim()}`;
  } finally {
    network.remove();
  }
}

/** Takes away what runs left that were killed: their processes, their namespaces, their folders in `temporary`. */
export function remove_leftovers(temporary) {
  const is_left = (name) => {
    const [, pid] = name.match(/^octavo-torture-(\d+)(-|$)/) ?? [];
    return pid !== undefined && !is_alive(pid);
  };
  for (const name of all_namespaces()) if (is_left(name)) remove_namespace(name);
  for (const name of readdirSync(temporary)) if (is_left(name)) rmSync(join(temporary, name), { recursive: true });
}

export class Network {
  /** `places` besides the router; `name` if it is not this process that makes and removes it. */
  constructor(places, name = `${stem}${process.pid}`) {
    this.name = name;
    this.places = places;
    this.cuts_ = new Map(); // "from to" → how many faults want it cut
  }
  namespace(place) {
    return `${this.name}-${place}`;
  }
  address(place) {
    return `10.77.${this.number_(place)}.2`;
  }
  /** The words before a program that shall run in that place; it ends with the one who started it. */
  launcher(place) {
    return ["ip", "netns", "exec", this.namespace(place), "setpriv", "--pdeathsig", "KILL"];
  }

  make() {
    const router = this.namespace("router");
    ip("netns", "add", router);
    ip("-n", router, "link", "set", "lo", "up");
    // Packets are dropped by rules alone, and not for coming from where no answer would go.
    for (const [key, value] of [["ip_forward", 1], ["conf.all.rp_filter", 0], ["conf.default.rp_filter", 0]])
      ip("netns", "exec", router, "sysctl", "-qw", `net.ipv4.${key}=${value}`);
    for (const place of this.places) {
      const there = this.namespace(place);
      ip("netns", "add", there);
      ip("-n", there, "link", "set", "lo", "up");
      ip("link", "add", "name", `to-${place}`, "netns", router, "type", "veth", "peer", "name", "eth0", "netns", there);
      ip("-n", router, "addr", "add", `10.77.${this.number_(place)}.1/24`, "dev", `to-${place}`);
      ip("-n", router, "link", "set", `to-${place}`, "up");
      ip("-n", there, "addr", "add", `${this.address(place)}/24`, "dev", "eth0");
      ip("-n", there, "link", "set", "eth0", "up");
      ip("-n", there, "route", "add", "default", "via", `10.77.${this.number_(place)}.1`);
    }
  }
  /** Ends everything that runs in it, and takes it away. */
  remove() {
    const own = ["router", ...this.places].map((place) => this.namespace(place));
    for (const name of all_namespaces()) if (own.includes(name)) remove_namespace(name);
  }

  unplug(place) {
    return ip_later("-n", this.namespace("router"), "link", "set", `to-${place}`, "down");
  }
  plug(place) {
    return ip_later("-n", this.namespace("router"), "link", "set", `to-${place}`, "up");
  }
  /** Several may cut the same; it is whole when all of them have mended it. */
  async cut(from, to) {
    if (this.count_(from, to, 1) === 1) await this.rule_("add", from, to);
  }
  async mend(from, to) {
    if (this.count_(from, to, -1) === 0) await this.rule_("del", from, to);
  }
  async slow(place, bits_per_s) {
    const limit = ["root", "tbf", "rate", String(bits_per_s), "burst", "8kb", "latency", "500ms"];
    for (const [at, device] of this.ends_(place)) await this.tc_(at, "replace", "dev", device, ...limit);
  }
  async unslow(place) {
    for (const [at, device] of this.ends_(place)) await this.tc_(at, "del", "dev", device, "root");
  }

  number_(place) {
    return this.places.indexOf(place) + 1;
  }
  count_(from, to, change) {
    const link = `${from} ${to}`;
    const count = (this.cuts_.get(link) ?? 0) + change;
    this.cuts_.set(link, count);
    return count;
  }
  rule_(verb, from, to) {
    const which = ["pref", rule_priority, "from", this.address(from), "to", this.address(to), "blackhole"];
    return ip_later("-n", this.namespace("router"), "rule", verb, ...which);
  }
  /** Both ends of a cable: where, and the device. */
  ends_(place) {
    return [
      ["router", `to-${place}`],
      [place, "eth0"],
    ];
  }
  tc_(at, ...args) {
    return ip_later("netns", "exec", this.namespace(at), "tc", "qdisc", ...args);
  }
}

const all_namespaces = () =>
  ip("netns", "list")
    .split("\n")
    .map((line) => line.split(" ")[0])
    .filter((name) => name.startsWith(stem));

/** Kills those in a namespace that a run made for itself alone, waits for their end, and takes the namespace away. */
function remove_namespace(name) {
  const deadline_ms = Date.now() + ends_within_ms;
  for (;;) {
    const pids = ip("netns", "pids", name).split("\n").filter((pid) => pid !== "" && Number(pid) !== process.pid);
    if (pids.length === 0 || Date.now() > deadline_ms) break;
    for (const pid of pids) kill(Number(pid));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  ip("netns", "del", name);
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function is_alive(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}
