/**
 * A real editor for one test file: VS Code's server with its extension hosts, driven through a browser, with a home, a temporary
 * folder and a tino of its own. `close` ends it and fails when a process of it is left.
 *
 * What this rests on, each point learnt by measuring (`docs/editor-tests.md`):
 * - an extension under development is loaded only with `--enable-smoke-test-driver`, and that hides notifications; so what is
 *   looked at from outside is installed, as users have it, and only the suite inside the extension host takes the checkout;
 * - each page is a window with an extension host of its own, a child of the server; closing the page lets the host deactivate,
 *   killing the browser does not until the reconnection grace is over, so pages are closed first;
 * - only an installed extension's host is started again after it was killed.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Browser, type BrowserContextOptions, chromium } from "playwright-core";
import { EngineClient } from "../../extension/client/engineClient.ts";
import { findEngine } from "../../extension/supervisor/discovery.ts";
import { workbenchPaths } from "../../scripts/setup/workbench.mjs";
import { Rig, ROOT, until } from "../rig.ts";
import { EditorWindow, RESULTS } from "./pages/window.ts";

const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Dark Modern",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.enableExperiments": false,
  "workbench.tips.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "files.simpleDialog.enable": true,
  "files.autoSave": "off",
  "editor.minimap.enabled": false,
  "security.workspace.trust.startupPrompt": "never",
  "security.workspace.trust.banner": "never",
};

const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];
/** The file watcher and the terminal host outlive the server by some seconds and then leave by themselves. */
const LEAVE_MS = 15_000;

export interface WorkbenchOptions {
  /** Where the extension comes from: a VSIX made of what is built, as users get it, or this checkout. */
  readonly install?: "vsix" | "development";
  /** Keep the editor's workspace trust switched on. */
  readonly trust?: boolean;
  readonly settings?: Record<string, unknown>;
  readonly env?: Record<string, string>;
  /** An engine that only speaks as one, and misbehaves as told; see `test/supervision/fake_engine.py`. */
  readonly fake?: string;
  /** Where a suite inside the extension host leaves its report, below this workbench's folder. */
  readonly report?: string;
}

export interface OpenOptions {
  /** Folder to open; a copy of the example workspace by default, null for an empty window. */
  readonly folder?: string | null;
  readonly browser?: BrowserContextOptions;
}

export class Workbench {
  readonly rig: Rig;
  readonly port: number;
  readonly windows = new Set<EditorWindow>();
  readonly #install: "development" | "vsix";
  readonly #server: ChildProcess;
  readonly #folder: string;
  #browser: Browser;

  private constructor(rig: Rig, folder: string, port: number, server: ChildProcess, browser: Browser, install: "development" | "vsix") {
    this.rig = rig;
    this.port = port;
    this.#folder = folder;
    this.#server = server;
    this.#browser = browser;
    this.#install = install;
  }

  static async start({ install = "vsix", trust = false, settings = {}, env = {}, fake, report }: WorkbenchOptions = {}): Promise<Workbench> {
    const { node, server: program, chromium: browserPath } = workbenchPaths(ROOT);
    if (!browserPath) throw new Error("There is no Chromium; `node scripts/ensure.mjs --editor` says how to get one.");
    const graces = { TINO_WINDOW_GRACE_MS: "20000", TINO_TERMINAL_GRACE_MS: "5000" };
    const rig = fake
      ? new Rig({ engine: "fake", fake, env: { ...graces, ...env } })
      : new Rig({ engine: "real", env: { ...graces, TINO_ENGINE_DIR: join(ROOT, "engine"), ...env } });
    const folder = dirname(rig.home);
    const data = join(folder, "server");
    for (const name of ["server/User", "user", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(join(data, "User", "settings.json"), JSON.stringify({ ...SETTINGS, ...settings }));
    // What the editor was started with must not leak into the one under test.
    const clean = Object.fromEntries(Object.entries(rig.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|XDG_)/.test(name)));
    const environment = {
      ...clean,
      HOME: join(folder, "user"),
      TMPDIR: join(folder, "tmp"),
      XDG_RUNTIME_DIR: join(folder, "tmp"),
      ...(report && { TINO_TEST_REPORT: join(folder, report) }),
      // No gallery: nothing is looked for outside this machine.
      EXTENSIONS_GALLERY: "{}",
    };
    const port = await freePort();
    const places = ["--server-data-dir", data, "--user-data-dir", data, "--extensions-dir", join(data, "extensions")];
    if (install === "vsix") execFileSync(node, [program, ...places, "--install-extension", makeVsix(folder), "--force"], { env: environment, stdio: "pipe" });
    const log = createWriteStream(join(RESULTS, `server-${port}.log`));
    const server = spawn(
      node,
      [
        program,
        ...places,
        ...["--host", "127.0.0.1", "--port", String(port), "--without-connection-token", "--accept-server-license-terms"],
        ...["--telemetry-level", "off", "--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"],
        ...["--reconnection-grace-time", "2"],
        ...(install === "development" ? ["--enable-smoke-test-driver"] : []),
        ...(trust ? [] : ["--disable-workspace-trust"]),
      ],
      { env: environment, stdio: ["ignore", "pipe", "pipe"] },
    );
    server.stdout?.pipe(log);
    server.stderr?.pipe(log);
    await until(
      async () => server.exitCode !== null || (await answers(port)),
      () => "the editor's server",
    );
    if (server.exitCode !== null) throw new Error(`The editor's server ended with ${server.exitCode}; see ${log.path}`);
    const browser = await chromium.launch({ executablePath: browserPath, args: BROWSER_FLAGS });
    return new Workbench(rig, folder, port, server, browser, install);
  }

  /** Open a window. Resolves when the workbench is restored. */
  async open({ folder = this.exampleWorkspace(), browser = {} }: OpenOptions = {}): Promise<EditorWindow> {
    const known = this.extensionHosts();
    const context = await this.#browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme: "dark", ...browser });
    const window = new EditorWindow(await context.newPage(), folder, () => this.extensionHosts(), known);
    this.windows.add(window);
    await window.load(this.#address(folder));
    return window;
  }

  /**
   * Open a window on the example workspace in which a suite runs inside the extension host.
   * @returns what the editor says about its end: 0, another number, or null when it did not come in time
   */
  async runTests(suite: string, patienceMs: number): Promise<number | null> {
    const page = await (await this.#browser.newContext()).newPage();
    const ended = new Promise<number>((resolve, reject) => {
      page.exposeFunction("codeAutomationExit", resolve).catch(reject);
    });
    // Also what the extension host says on its console.
    await page.exposeFunction("codeAutomationLog", (_: string, words: unknown[]) => {
      if (/^(pass|FAIL) /.test(String(words[0]))) console.log(words.join(" "));
    });
    await page.goto(this.#address(this.exampleWorkspace(), suite), { waitUntil: "commit" });
    const exit = await Promise.race([ended, delay(patienceMs, null, { ref: false })]);
    await page.screenshot({ path: join(RESULTS, "inHost.png") });
    await page.close();
    return exit;
  }

  #address(folder: string | null, suite?: string): string {
    const authority = `127.0.0.1:${this.port}`;
    const address = new URL(`http://${authority}/`);
    const remote = (path: string) => `vscode-remote://${authority}${path.replace(/\/$/, "")}`;
    const payload: [string, string][] = [];
    if (this.#install === "development") payload.push(["extensionDevelopmentPath", remote(ROOT)]);
    if (suite) payload.push(["extensionTestsPath", remote(suite)]);
    if (folder) address.searchParams.set("folder", folder);
    else address.searchParams.set("ew", "true");
    if (payload.length > 0) address.searchParams.set("payload", JSON.stringify(payload));
    return address.href;
  }

  /** A copy of the example workspace that this workbench may write into; the same one at each call with the same name. */
  exampleWorkspace(name = "examples"): string {
    const target = join(this.#folder, "workspaces", name);
    cpSync(join(ROOT, "examples"), target, { recursive: true, force: false, errorOnExist: false, filter: (path) => !path.includes("__pycache__") });
    return target;
  }

  /** Another folder below this workbench's own, with files. */
  workspace(name: string, files: Record<string, string>): string {
    const target = join(this.#folder, "workspaces", name);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(target, path)), { recursive: true });
      writeFileSync(join(target, path), text);
    }
    return target;
  }

  /** Where a program under test may leave something. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** PIDs of the extension hosts, one for each window. */
  extensionHosts(): number[] {
    return childrenOf(this.#server.pid as number).filter((pid) => commandLine(pid).includes("--type=extensionHost"));
  }

  /** The engine's PID, null when there is none. */
  enginePid(): number | null {
    return this.rig.engineInfo()?.pid ?? null;
  }

  /** PIDs of the engine and its children. */
  engineProcesses(): number[] {
    return this.rig.processes().filter((pid) => isEngine(pid));
  }

  /** A client of the running engine, so that what the editor shows can be held against what the engine says. */
  async engine(): Promise<EngineClient> {
    const finding = await findEngine(this.rig.place());
    if (finding.kind !== "running") throw new Error(`There is no engine to ask: ${finding.kind}`);
    return new EngineClient(finding.connection, null);
  }

  /** Close a window as a user does. */
  async closeWindow(window: EditorWindow): Promise<void> {
    this.windows.delete(window);
    await window.close();
  }

  /** Close all windows and end the server; the engine, if any, is left to its grace. */
  async end(): Promise<void> {
    for (const window of [...this.windows]) await this.closeWindow(window);
    await this.#browser.close();
    if (this.#server.exitCode === null && this.#server.signalCode === null) {
      const gone = new Promise((resolve) => this.#server.once("exit", resolve));
      this.#server.kill("SIGTERM");
      await gone;
    }
  }

  /** End everything. Fails when a process is left. */
  async close(): Promise<void> {
    try {
      await this.end();
      const left = () => this.rig.processes().filter((pid) => !isEngine(pid));
      for (const since = performance.now(); left().length > 0 && performance.now() - since < LEAVE_MS; ) await delay(50);
      const names = left().map((pid) => `${pid} ${commandLine(pid).slice(0, 160)}`);
      if (names.length > 0) throw new Error(`Processes of the editor are left: ${names.join("; ")}`);
    } finally {
      await this.rig.close();
    }
  }
}

/**
 * The extension as a file to install. Made of what was built, not by `npm run package`: the engine stays where it is, so that
 * this takes a second and not a minute.
 */
function makeVsix(folder: string): string {
  const staging = join(folder, "vsix");
  mkdirSync(staging, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  for (const key of ["scripts", "dependencies", "devDependencies"]) delete manifest[key];
  writeFileSync(join(staging, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(staging, "README.md"), `# ${manifest.displayName}\n\n${manifest.description}\n`);
  for (const part of ["dist", "examples", "extension/media", "LICENSE"]) {
    cpSync(join(ROOT, part), join(staging, part), { recursive: true, filter: (path) => !/__pycache__|\.map$/.test(path) });
  }
  const vsix = join(folder, "tino.vsix");
  const vsce = join(ROOT, "node_modules", "@vscode", "vsce", "vsce");
  execFileSync(process.execPath, [vsce, "package", "--no-dependencies", "--allow-missing-repository", "--skip-license", "--out", vsix], {
    cwd: staging,
    stdio: "pipe",
  });
  rmSync(staging, { recursive: true });
  return vsix;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/version" }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on("error", () => resolve(false));
  });
}

function childrenOf(pid: number): number[] {
  const table = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" });
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child as number);
}

const isEngine = (pid: number): boolean => /\btino_engine\b/.test(commandLine(pid));

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // Gone since it was listed.
  }
}
