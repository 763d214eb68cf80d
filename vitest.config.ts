/**
 * Two projects: `unit` is everything that `npm test` runs, `editor` drives a real workbench (`npm run test:editor`).
 * Engines and workbenches are processes of their own, so a few workers are enough, and the editor's specs share one machine one after the other.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{contracts,extension,webview,test,bench,scripts}/**/*.test.{ts,tsx}"],
          exclude: ["**/node_modules/**", "test/editor/**"],
        },
      },
      {
        extends: true,
        test: {
          name: "editor",
          include: ["test/editor/**/*.spec.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
