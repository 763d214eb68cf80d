/** How the programs that run in Node are bundled, for `build.mjs` and for tests that want one fresh. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * What of Ink's dependencies is replaced: React's developer tools, which it loads when DEV is set and which are not ours to ship, and its
 * look for CI, where it would draw nothing before the end. tino draws only in a terminal, and somebody looks at that, in a container too.
 */
const inkAsNeeded = /** @satisfies {import("esbuild").Plugin} */ ({
  name: "ink-as-needed",
  setup(build) {
    /** @type {Record<string, string>} */
    const replacements = { "react-devtools-core": "export default { connectToDevTools() {} };", "is-in-ci": "export default false;" };
    build.onResolve({ filter: /^(react-devtools-core|is-in-ci)$/ }, ({ path }) => ({ path, namespace: "replaced" }));
    build.onLoad({ filter: /.*/, namespace: "replaced" }, ({ path }) => ({ contents: replacements[path] ?? "" }));
  },
});

/** Our words are in the catalogue; zod's own, in fifty languages, are a quarter of what would be shipped. */
const withoutTranslations = /** @satisfies {import("esbuild").Plugin} */ ({
  name: "without-translations",
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, ({ path }) => ({
      contents: 'export { default as en } from "./en.js";',
      resolveDir: dirname(path),
    }));
  },
});

const common = /** @satisfies {import("esbuild").BuildOptions} */ ({
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  jsx: "automatic",
  legalComments: "none",
  plugins: [withoutTranslations],
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"', "process.env.DEV": '"false"' },
});

/** The extension: one file, loaded by the editor, which brings `vscode`. */
export const extensionProgram = /** @satisfies {import("esbuild").BuildOptions} */ ({
  ...common,
  entryPoints: ["extension/extension.ts"],
  outfile: "dist/extension.cjs",
  format: "cjs",
  external: ["vscode"],
  // CommonJS has no import.meta; modules shared with the terminal program find their files by it.
  define: { ...common.define, "import.meta.url": "importMetaUrl", "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});

/** The terminal program: parts that a verb does not need stay in chunks of their own and are not loaded. */
export const terminalProgram = /** @satisfies {import("esbuild").BuildOptions} */ ({
  ...common,
  entryPoints: ["extension/cli/main.ts"],
  outdir: "dist/cli",
  format: "esm",
  splitting: true,
  chunkNames: "chunk-[hash]",
  plugins: [withoutTranslations, inkAsNeeded],
  // Some packages in the bundle are CommonJS and call require for Node's own modules.
  banner: { js: 'import { createRequire as createRequireOfNode } from "node:module"; const require = createRequireOfNode(import.meta.url);' },
});
