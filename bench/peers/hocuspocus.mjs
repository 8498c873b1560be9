// Hocuspocus 4.7 with its defaults (stores a document 2 s after the last edit, at the latest 10 s after the first) and
// the database extension that its documentation recommends for one's own store. The store here is one file a document,
// replaced by rename: less work than the SQLite or PostgreSQL that a team would put there, and without a native build.
//
//   node hocuspocus.mjs PORT FOLDER
import { Database } from "@hocuspocus/extension-database";
import { Server } from "@hocuspocus/server";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [port, folder] = process.argv.slice(2);
if (!port || !folder) {
  console.error("usage: node hocuspocus.mjs PORT FOLDER");
  process.exit(2);
}
const file_of = (document_name) => join(folder, `${encodeURIComponent(document_name)}.yjs`);

const server = new Server({
  port: Number(port),
  address: "127.0.0.1",
  quiet: true,
  extensions: [
    new Database({
      fetch: ({ documentName }) =>
        readFile(file_of(documentName)).catch((error) => {
          if (error.code === "ENOENT") return null;
          throw error;
        }),
      store: async ({ documentName, state }) => {
        const file = file_of(documentName);
        await writeFile(`${file}.new`, state);
        await rename(`${file}.new`, file);
      },
    }),
  ],
});
await server.listen();
