/**
 * Builds the pages into dist/webview: `index.html` for the browser, and `manifest.json`, in which the extension looks up
 * the entry (`index.html`) with its script and style sheets for a panel's own HTML.
 */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import manifest from "../package.json" with { type: "json" };

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // Relative addresses work below the engine's root as well as below a panel's resource address.
  base: "./",
  plugins: [react()],
  define: { __TINO_VERSION__: JSON.stringify(manifest.version) },
  build: {
    outDir: fileURLToPath(new URL("../dist/webview", import.meta.url)),
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2023",
    // The content security policy allows no data: addresses for fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
  },
});
