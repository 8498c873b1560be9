import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the page with hot reloading and leaves documents and the API to a node on its default port.
const node_url = process.env.OCTAVO_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  // Two copies of Yjs in one page would not recognize each other's types.
  resolve: { dedupe: ["yjs", "y-protocols", "lib0"] },
  build: {
    target: "es2022",
    // The node's Content-Security-Policy allows no data: fonts or scripts, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/api": node_url,
      // Any other path that a browser opens a WebSocket on is a document; the one of hot reloading is Vite's own.
      "^/documents/": { target: node_url, ws: true, rewrite: (path) => path.slice("/documents".length) },
    },
  },
});
