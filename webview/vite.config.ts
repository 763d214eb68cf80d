/**
 * Builds the pages into dist/webview: `index.html` for the browser, and `manifest.json`, in which the extension looks up
 * the entry (`index.html`) with its script and style sheets for a panel's own HTML. Beside them `tearsheet.html`, into which the engine puts a
 * run that is exported: one file, script and styles in it.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { type Plugin as BundlePlugin, build } from "esbuild";
import { defineConfig, type Plugin } from "vite";
import manifest from "../package.json" with { type: "json" };

const DEFINE = { __TINO_VERSION__: JSON.stringify(manifest.version) };

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // Relative addresses work below the engine's root as well as below a panel's resource address.
  base: "./",
  plugins: [react(), tearsheetFile()],
  define: DEFINE,
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

function tearsheetFile(): Plugin {
  const place = (name: string) => fileURLToPath(new URL(`tearsheet/${name}`, import.meta.url));
  return {
    name: "tearsheet-file",
    async generateBundle() {
      const { outputFiles } = await build({
        entryPoints: [place("file.tsx")],
        outdir: "tearsheet",
        bundle: true,
        write: false,
        minify: true,
        format: "iife",
        target: "es2023",
        jsx: "automatic",
        define: { ...DEFINE, "process.env.NODE_ENV": '"production"' },
        legalComments: "none",
        plugins: [withoutChecks],
      });
      const text = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
      // A function: what is put in may hold `$&`. The end of an element must not be found inside it.
      const source = readFileSync(place("file.html"), "utf8")
        .replace("/*tino-style*/", () => text(".css").replaceAll("</style", "<\\/style"))
        .replace("/*tino-script*/", () => text(".js").replaceAll("</script", "<\\/script"));
      this.emitFile({ type: "asset", fileName: "tearsheet.html", source });
    },
  };
}

/** A saved run was checked by the engine that put it in: what reads it needs the words of the contracts, not the half megabyte that checks shapes. */
const withoutChecks: BundlePlugin = {
  name: "without-checks",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^zod$/ }, () => ({ path: "zod", namespace: "nothing" }));
    onLoad({ filter: /.*/, namespace: "nothing" }, () => ({
      contents: "const any = new Proxy(function () {}, { get: () => any, apply: () => any, construct: () => any });\nexport const z = any;",
    }));
  },
};
