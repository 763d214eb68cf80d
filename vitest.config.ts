/**
 * `unit` is everything that `npm test` runs: it needs nothing but what set-up brings. `pages` needs a Chromium, `editor` a whole workbench in one
 * (`npm run test:editor`). Engines, browsers and workbenches are processes of their own, so a few workers are enough, and the last two go one
 * after the other.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{contracts,extension,webview,test,bench,scripts}/**/*.test.{ts,tsx}"],
          exclude: ["**/node_modules/**", "test/editor/**", "test/pages/**"],
        },
      },
      {
        extends: true,
        test: { name: "pages", include: ["test/pages/**/*.test.ts"], fileParallelism: false },
      },
      {
        extends: true,
        test: {
          name: "editor",
          include: ["test/editor/**/*.spec.ts"],
          fileParallelism: false,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
