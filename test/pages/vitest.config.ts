/** The pages in a browser: `npx vitest run --config test/pages/vitest.config.ts`. Needs chromium; TINO_CHROMIUM names another one. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { name: "pages", include: ["test/pages/**/*.spec.ts"], fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 },
});
