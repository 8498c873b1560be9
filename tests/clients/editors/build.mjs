// Bundles the page into a folder: node build.mjs FOLDER
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = join(dirname(fileURLToPath(import.meta.url)), "src");

export async function build_bed(folder) {
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: {
      bed: join(source, "bed.js"),
      "monaco.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    },
    absWorkingDir: dirname(source),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    loader: { ".ttf": "file", ".woff": "file", ".woff2": "file", ".svg": "file" },
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  });
  await copyFile(join(source, "index.html"), join(folder, "index.html"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build_bed(process.argv[2]);
