// One octavo server under test: started on a free loopback port with a folder of its own, stopped, killed and started
// again on the same port and folder, as a machine would be after a power cut.
//
//   const server = await start_server({ args: ["--secret", "..."] });
//   new WebsocketProvider(server.ws_url, "notes", doc, { WebSocketPolyfill: WebSocket });
//   await server.kill();      // SIGKILL: nothing is flushed, nobody is told
//   await server.start();     // same port, same data
//   await server.dispose();   // SIGTERM, then the folder is removed
//
// The binary is OCTAVO_BIN, or build/release/octavo. What the server says is kept; `server.log()` returns it, and it is
// printed when the server does not get ready, ends by itself, or when `with_server` sees its body fail.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The root of the source tree, whatever the current directory is. */
export const root_dir = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** The binary under test. */
export const octavo_bin = resolve(root_dir, process.env.OCTAVO_BIN ?? "build/release/octavo");

// A sanitizer build on a busy machine needs far longer than a release build does.
const ready_timeout_ms = Number(process.env.OCTAVO_READY_TIMEOUT_MS ?? 30_000);
const stop_timeout_ms = Number(process.env.OCTAVO_STOP_TIMEOUT_MS ?? 30_000);

export const sleep = (duration_ms) => new Promise((done) => setTimeout(done, duration_ms));

/** Far longer than anything takes that is to happen soon, on any machine. */
export const patience_ms = 30_000;

/** Polls `check` until it returns something truthy, and returns that; throws with `what` after `timeout_ms`. */
export async function wait_for(what, check, timeout_ms = patience_ms) {
  const deadline_ms = Date.now() + timeout_ms;
  let last_error;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last_error = undefined;
    } catch (error) {
      last_error = error;
    }
    if (Date.now() > deadline_ms) {
      throw new Error(`waited ${timeout_ms} ms in vain: ${what}`, { cause: last_error });
    }
    await sleep(50);
  }
}

/** Resident memory of a process. */
export const resident_bytes = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;

/** Listens on a port, unless somebody does. */
function listen(port, host) {
  return new Promise((done, failed) => {
    const listener = createServer();
    listener.once("listening", () => done(listener));
    listener.once("error", (error) => (error.code === "EADDRINUSE" ? done(undefined) : failed(error)));
    listener.listen(port, host);
  });
}

// Below those that the kernel gives to whoever asks for any port: between two starts of a server nobody gets its port.
const first_port = 15_000;
const ports = 17_000;
/** An address that no server under test has: whoever listens there has the port, until its process ends. */
const reserving_host = "127.77.0.1";

/** A loopback port that nobody listens on, and that no other call gets, of whichever process. */
export async function free_port() {
  for (let tries = 0; tries < 1_000; ++tries) {
    const port = first_port + Math.floor(Math.random() * ports);
    const held = await listen(port, reserving_host);
    if (!held) continue;
    held.unref();
    const probe = await listen(port, "127.0.0.1");
    if (!probe) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
  throw new Error("no port of loopback is free");
}

/** Runs one octavo command to its end; resolves to { stdout, stderr }, rejects when it exits with another code than 0. */
export function octavo(...args) {
  return promisify(execFile)(octavo_bin, args, { cwd: root_dir, maxBuffer: 64 << 20 });
}

export class Server {
  /**
   * @param {object} [options]
   * @param {string[]} [options.args] more arguments for `octavo serve`
   * @param {Record<string, string>} [options.env] more environment variables
   * @param {string} [options.data_dir] an existing folder; it is then not removed by dispose()
   * @param {string} [options.host] the address to listen on, and to be reached at
   * @param {number} [options.port]
   * @param {string[]} [options.launcher] words before the program: another program that becomes it, such as ip netns exec
   * @param {number} [options.log_bytes_max] so much of the end of the log is kept
   * @param {string} [options.ready_path] what answers 200 when the server has started
   */
  constructor({
    args = [],
    env = {},
    data_dir,
    host = "127.0.0.1",
    port,
    launcher = [],
    ready_path = "/readyz",
    log_bytes_max = 1 << 20,
  } = {}) {
    this.ready_path = ready_path;
    this.host = host;
    this.launcher = launcher;
    this.log_bytes_max = log_bytes_max;
    this.args = args;
    this.env = env;
    this.port = port;
    this.data_dir = data_dir;
    this.owns_data_ = data_dir === undefined;
    this.child_ = undefined;
    this.log_ = "";
  }

  get http_url() {
    return `http://${this.host}:${this.port}`;
  }
  get ws_url() {
    return `ws://${this.host}:${this.port}`;
  }
  get pid() {
    return this.child_?.pid;
  }
  get running() {
    return this.child_ !== undefined;
  }
  /** Everything that this server wrote so far, over all of its starts. */
  log() {
    return this.log_;
  }

  /** Starts the process and returns once `ready_path` answers 200. */
  async start() {
    if (this.child_) throw new Error("this server runs already");
    this.port ??= await free_port();
    this.data_dir ??= await mkdtemp(join(tmpdir(), "octavo-test-"));
    const args = ["serve", "--listen", `${this.host}:${this.port}`, "--data", this.data_dir, ...this.args];
    if (!this.args.includes("--web")) args.push("--web", join(root_dir, "web/dist"));
    this.note_(`--- ${octavo_bin} ${args.join(" ")}\n`);
    const [program, ...words] = [...this.launcher, octavo_bin, ...args];
    const child = spawn(program, words, {
      cwd: root_dir,
      env: { ...process.env, ...this.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child_ = child;
    child.stdout.on("data", (chunk) => this.note_(chunk));
    child.stderr.on("data", (chunk) => this.note_(chunk));
    child.on("error", (error) => this.note_(`--- cannot start: ${error.message}\n`));
    // "close" comes after the last of its output; "error" alone comes when there is no such binary.
    this.gone_ = new Promise((done) => {
      child.on("close", (code, signal) => {
        this.note_(`--- ended: ${signal ?? `exit code ${code}`}\n`);
        this.child_ = undefined;
        done({ code, signal });
      });
    });
    try {
      await wait_for(
        "the server gets ready",
        async () => {
          if (!this.child_) return "gone";
          return (await fetch(`${this.http_url}${this.ready_path}`, { signal: AbortSignal.timeout(2_000) })).ok;
        },
        ready_timeout_ms,
      );
      if (!this.child_) throw new Error("the server ended before it was ready");
    } catch (error) {
      if (this.child_) await this.kill();
      error.message += `\n${this.log_}`;
      throw error;
    }
    return this;
  }

  /** The value of one of its metrics. */
  async metric(name) {
    const text = await (await fetch(`${this.http_url}/metrics`)).text();
    return Number(text.match(new RegExp(`^${name} (\\S+)$`, "m"))[1]);
  }

  /** SIGTERM; resolves to the exit code. A server that does not end in time is killed, and that is an error. */
  async stop() {
    if (!this.child_) return undefined;
    this.child_.kill("SIGTERM");
    let timer;
    const too_late = new Promise((done) => (timer = setTimeout(done, stop_timeout_ms)));
    const ended = await Promise.race([this.gone_, too_late]);
    clearTimeout(timer); // or it would keep the test's process alive
    if (!ended) {
      await this.kill();
      throw new Error(`the server did not end within ${stop_timeout_ms} ms of SIGTERM\n${this.log_}`);
    }
    return ended.code;
  }

  /** SIGKILL: what was not on disk is gone. */
  async kill() {
    if (!this.child_) return;
    this.child_.kill("SIGKILL");
    await this.gone_;
  }

  /** kill() and start(): the power cut. */
  async crash_and_restart() {
    await this.kill();
    return this.start();
  }

  /** Ends the process and removes the folder of data, if this object made it. Safe to call twice. */
  async dispose() {
    try {
      await this.stop();
    } finally {
      if (this.owns_data_ && this.data_dir) await rm(this.data_dir, { recursive: true, force: true });
    }
  }

  note_(text) {
    // The log is for people who read a failed test: its end is what tells.
    this.log_ = (this.log_ + text).slice(-this.log_bytes_max);
  }
}

/** A new server that is ready. The caller disposes of it. */
export async function start_server(options) {
  const server = new Server(options);
  try {
    return await server.start();
  } catch (error) {
    await server.dispose();
    throw error;
  }
}

/** Runs `body(server)`; the server is gone afterwards. If the body failed, the reason is printed, then the log. */
export async function with_server(options, body) {
  const server = await start_server(options);
  try {
    return await body(server);
  } catch (error) {
    console.error(error);
    console.error(`the server's log:\n${server.log()}`);
    throw error;
  } finally {
    await server.dispose();
  }
}
