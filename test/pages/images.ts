/**
 * Makes the pictures of the documentation, `npx tsx test/pages/images.ts`: the real engine, the embedded sample, the example
 * strategy, in a home that is gone afterwards.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { build } from "vite";
import { EngineLink } from "../../extension/client/engineLink.ts";
import { Rig, ROOT } from "../rig.ts";
import { CHROMIUM, FLAGS } from "./browser.ts";

const IMAGES = join(ROOT, "docs", "images");
const EXAMPLES = join(ROOT, "examples");
const SIZE = { width: 1360, height: 860 };

async function main(): Promise<void> {
  const pages = mkdtempSync(join(tmpdir(), "tino-images-"));
  await build({ configFile: join(ROOT, "webview/vite.config.ts"), build: { outDir: pages }, logLevel: "error" });
  const rig = new Rig({ engine: "real", env: { TINO_DASHBOARD_DIST: pages } });
  const link = new EngineLink({ place: rig.place(), kind: "cli", workspace: EXAMPLES, trustedFolders: [EXAMPLES], start: { port: null } });
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  try {
    await link.call("importSample", {});
    const path = join(EXAMPLES, "strategies", "ema_cross.py");
    const runs: string[] = [];
    for (const [symbol, fast, slow] of [
      ["MSFT.XNAS", 10, 20],
      ["IBM.XNYS", 20, 100],
      ["AAPL.XNAS", 20, 50],
      ["AAPL.XNAS", 10, 20],
    ] as const) {
      const { id } = await link.call("startBacktest", { body: { path, symbols: [symbol], parameters: { fast, slow } } });
      runs.push(id);
      for (;;) {
        const { status, error } = await link.call("getRun", { path: { id } });
        if (status === "finished") break;
        if (status !== "queued" && status !== "running") throw new Error(error?.message ?? status);
      }
    }
    const open = async (address: string, colorScheme: "dark" | "light"): Promise<Page> => {
      const { url } = await link.call("createBrowserCode", { body: { path: address } });
      const page = await browser.newPage({ viewport: SIZE, colorScheme, reducedMotion: "reduce" });
      await page.goto(url);
      return page;
    };
    const ready = (page: Page) =>
      page
        .locator(".chart-foot span")
        .filter({ hasText: /[\d,]+ bars$/ })
        .first()
        .waitFor();
    const settled = (page: Page) =>
      page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))));

    const dark = await open(`/backtest?run=${runs.at(-1)}`, "dark");
    await ready(dark);
    await dark.getByRole("button", { name: "Log", exact: true }).click();
    await settled(dark);
    await dark.screenshot({ path: join(IMAGES, "backtest.png") });

    const light = await open(`/backtest?run=${runs.at(-1)}`, "light");
    await ready(light);
    await light.getByRole("tab", { name: /Trades/ }).click();
    const grid = light.getByRole("grid", { name: "Trades" });
    await grid.getByRole("row").nth(5).click();
    await light
      .locator(".chart-legend-row")
      .first()
      .getByText(await grid.locator('[aria-selected="true"] td').nth(3).innerText())
      .waitFor();
    await settled(light);
    await light.screenshot({ path: join(IMAGES, "trade.png") });

    const list = await open("/runs", "dark");
    await list.getByRole("grid", { name: "Runs" }).getByText("IBM.XNYS").waitFor();
    await list.setViewportSize({ width: SIZE.width, height: 260 });
    await list.screenshot({ path: join(IMAGES, "runs.png") });
  } finally {
    await browser.close();
    await link.leave();
    await rig.close();
    rmSync(pages, { recursive: true, force: true });
  }
}

await main();
