/** Where things live, which engine is run, what it inherits. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "./clock.ts";
import { bootstrapFromEnvironment, engineEnvironment } from "./engineProcess.ts";
import { getPython, locateInstallation } from "./locate.ts";
import { fileLog, KEPT_FILES } from "./log.ts";
import { findHome } from "./paths.ts";
import { CRASH_WINDOW_MS, EndCounter } from "./watchdog.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tino-paths-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each<[NodeJS.Platform, Record<string, string>, string]>([
  ["linux", { HOME: "/home/ada" }, "/home/ada/.local/state/tino"],
  ["linux", { HOME: "/home/ada", XDG_STATE_HOME: "/state" }, "/state/tino"],
  ["darwin", { HOME: "/Users/ada", XDG_STATE_HOME: "/state" }, "/Users/ada/Library/Application Support/tino"],
  ["linux", { HOME: "/home/ada", TINO_HOME: "/elsewhere" }, "/elsewhere"],
  ["win32", { USERPROFILE: "/users/ada", LOCALAPPDATA: "/users/ada/AppData/Local" }, "/users/ada/AppData/Local/tino"],
  ["win32", { USERPROFILE: "/users/ada" }, "/users/ada/AppData/Local/tino"],
])("home on %s with %j", (platform, env, home) => {
  expect(findHome(env, platform)).toBe(home);
});

test("the installation is the nearest folder upwards that is tino's", () => {
  const deep = join(folder, "node_modules", "other", "dist");
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"name": "tino", "version": "1.2.3"}');
  writeFileSync(join(folder, "node_modules", "other", "package.json"), '{"name": "other"}');
  expect(locateInstallation(deep, {})).toEqual({ root: folder, version: "1.2.3", engineDirectory: join(folder, "engine"), dashboard: null });
  expect(locateInstallation(deep, { TINO_ENGINE_DIR: "/e" }).engineDirectory).toBe("/e");
  mkdirSync(join(folder, "dist", "webview"), { recursive: true });
  writeFileSync(join(folder, "dist", "webview", "index.html"), "");
  expect(locateInstallation(deep, {}).dashboard).toBe(join(folder, "dist", "webview"));
});

test("a packaged interpreter is preferred to the checkout's; none is an error that says where it was looked for", () => {
  const installation = { root: folder, version: "1", engineDirectory: folder, dashboard: null };
  expect(() => getPython(installation, "linux")).toThrow(join(folder, ".venv", "bin", "python"));
  for (const path of [join(".venv", "bin", "python"), join(".packaged", "python", "bin", "python3")]) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), "");
    expect(getPython(installation, "linux")).toBe(join(folder, path));
  }
});

test("the engine inherits what it needs and nothing that changes what it loads", () => {
  const kept = { PATH: "/bin", HOME: "/h", LANG: "C.UTF-8", LC_ALL: "C", TZ: "UTC", TINO_FAKE: "x", XDG_RUNTIME_DIR: "/run", HTTPS_PROXY: "http://p" };
  const dropped = {
    PYTHONPATH: "/evil",
    PYTHONHOME: "/evil",
    LD_PRELOAD: "/evil.so",
    DYLD_INSERT_LIBRARIES: "/evil",
    NODE_OPTIONS: "-r evil",
    AWS_SECRET_ACCESS_KEY: "s",
    PATHS: "x",
    MYTINO_X: "x",
  };
  expect(engineEnvironment({ ...kept, ...dropped, TINO_HOME: "/other" }, { home: "/h/tino" })).toEqual({ ...kept, TINO_HOME: "/h/tino" });
});

test.each([
  [{}, {}],
  [
    { TINO_LOG_LEVEL: "debug", TINO_WINDOW_GRACE_MS: "100", TINO_TERMINAL_GRACE_MS: "0" },
    { logLevel: "debug", windowGraceMs: 100, terminalGraceMs: 0 },
  ],
  [{ TINO_LOG_LEVEL: "loud", TINO_WINDOW_GRACE_MS: "-1", TINO_TERMINAL_GRACE_MS: "soon" }, {}],
])("settings in %j", (env, settings) => {
  expect(bootstrapFromEnvironment(env)).toEqual(settings);
});

test("the log rotates by size, keeps a few files, and survives a folder that is gone", () => {
  const path = join(folder, "cli.log");
  const log = fileLog(path, systemClock, "info", 300);
  log("debug", "test", "too_small");
  for (let index = 0; index < 40; index += 1) log("info", "test", "happened", { index });
  expect(readdirSync(folder).sort()).toEqual(["cli.log", ...Array.from({ length: KEPT_FILES - 1 }, (_, index) => `cli.log.${index + 1}`)]);
  expect(statSync(path).mode & 0o077).toBe(0);
  const last = JSON.parse(readFileSync(path, "utf8").trim().split("\n").at(-1) as string);
  expect(last).toMatchObject({ level: "info", component: "test", event: "happened", index: 39 });
  rmSync(folder, { recursive: true });
  expect(() => log("info", "test", "happened")).not.toThrow();
});

test("three ends within two minutes are a crash loop; ends that are older are forgotten", () => {
  let now = 0;
  const ends = new EndCounter({ ...systemClock, monotonic: () => now });
  for (const at of [0, 1_000]) {
    now = at;
    ends.record();
  }
  expect(ends.looping).toBe(false);
  now = CRASH_WINDOW_MS + 500;
  ends.record();
  expect([ends.count, ends.looping]).toEqual([2, false]);
  ends.record();
  expect(ends.looping).toBe(true);
  ends.clear();
  expect(ends.looping).toBe(false);
});
