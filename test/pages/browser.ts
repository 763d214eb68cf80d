/** A real browser with freshly built pages, and an engine of its own for each test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build } from "vite";
import type { PageState } from "#contracts";
import { hostPanel } from "./panelHost.ts";
import { StubEngine, type StubOptions } from "./stubEngine.ts";

export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];
export const CHROMIUM = process.env.TINO_CHROMIUM ?? "/usr/bin/chromium";
const root = fileURLToPath(new URL("../..", import.meta.url));

export class Pages {
  readonly folder: string;
  readonly browser: Browser;
  readonly #engines: StubEngine[] = [];
  readonly #pages: Page[] = [];
  /** What the browser complained about; a test that expects it takes it out. */
  readonly complaints: string[] = [];

  private constructor(folder: string, browser: Browser) {
    this.folder = folder;
    this.browser = browser;
  }

  static async open(): Promise<Pages> {
    const folder = mkdtempSync(join(tmpdir(), "tino-pages-"));
    await build({ configFile: join(root, "webview/vite.config.ts"), build: { outDir: folder }, logLevel: "error" });
    const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
    return new Pages(folder, browser);
  }

  async engine(options: Partial<StubOptions> = {}): Promise<StubEngine> {
    const engine = new StubEngine({ pages: this.folder, ...options });
    await engine.start();
    this.#engines.push(engine);
    return engine;
  }

  /** A blank page whose complaints are heard. */
  async blank(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "dark", reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => this.complaints.push(`${error.message}\n${error.stack ?? ""}`));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    this.#pages.push(page);
    return page;
  }

  /** The pages as `tino open` shows them. */
  async show(engine: StubEngine, path = "/", options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.blank(options);
    await page.goto(engine.address(path));
    return page;
  }

  /** The pages as a panel of the editor shows them. */
  async panel(engine: StubEngine, state: Partial<PageState>, look: Parameters<typeof hostPanel>[3] = {}, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.blank(options);
    await hostPanel(page, engine, { page: "backtest", run: null, path: null, name: null, ...state }, look);
    await page.goto(`http://127.0.0.1:${engine.port}/`);
    return page;
  }

  /** Close what a test opened. */
  async reset(): Promise<void> {
    for (const page of this.#pages.splice(0)) await page.context().close();
    for (const engine of this.#engines.splice(0)) await engine.stop();
  }

  async close(): Promise<void> {
    await this.reset();
    await this.browser.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
