// The reference server, @y/websocket-server 0.1.1, as its README tells to run it in production: its own start script
// with YPERSISTENCE, so every update is handed to LevelDB (which does not sync it to disk).
//
//   node y_websocket.mjs PORT FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [port, folder] = process.argv.slice(2);
if (!port || !folder) {
  console.error("usage: node y_websocket.mjs PORT FOLDER");
  process.exit(2);
}
process.env.HOST = "127.0.0.1";
process.env.PORT = port;
process.env.YPERSISTENCE = join(folder, "leveldb");

// The start script is the package's "bin", which its "exports" do not name.
const manifest = createRequire(import.meta.url).resolve("@y/websocket-server/package.json");
const start_script = JSON.parse(readFileSync(manifest, "utf8")).bin["y-websocket-server"];
await import(pathToFileURL(join(dirname(manifest), start_script)));
