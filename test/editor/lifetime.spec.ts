/**
 * Windows, a terminal and the engine come and go, and are killed: one engine throughout, none at the end. The tests are one story and
 * run in order. `TINO_RELOADS` says how often both windows are reloaded.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Client } from "#contracts";
import { until } from "../rig.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

const RELOADS = Number(process.env.TINO_RELOADS ?? 2);
/** Longest time for both windows to be back. */
const ROUND_MS = 90_000;

const editor = editorFor({
  // Long enough for windows to be reloaded on a slow machine.
  env: { TINO_WINDOW_GRACE_MS: "90000" },
  // Drawn as text and not as pixels, so that it can be read.
  settings: { "terminal.integrated.gpuAcceleration": "off" },
});
let first: EditorWindow;
let second: EditorWindow;

async function openStrategy(workspace: string): Promise<EditorWindow> {
  const window = await editor().open({ folder: editor().exampleWorkspace(workspace) });
  await window.openFile("ema_cross.py");
  await window.status(/tino PAPER$/);
  // Or a reload would not open the file again, and nothing would need the engine.
  await window.remembers("ema_cross.py");
  return window;
}

/** Who uses the engine, as the engine says. */
async function clients(): Promise<Client[]> {
  const engine = await editor().engine();
  try {
    return (await engine.call("getEngine")).clients;
  } finally {
    engine.close();
  }
}

/** PID of the extension host of a window. */
const hostOf = async (window: EditorWindow) => (await clients()).find(({ workspace }) => workspace === window.folder)?.pid ?? 0;

/** PIDs of the engines that were ever healthy here, in order. */
const engines = () =>
  readFileSync(editor().rig.paths.engineLog, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === "healthy")
    .map(({ pid }) => pid);

describe("two windows and a terminal", () => {
  it("share one engine, windows that open at the same instant too", async () => {
    [first, second] = await Promise.all([openStrategy("first"), openStrategy("second")]);
    expect(engines()).toEqual([editor().enginePid()]);
  });

  it(
    "still the same when both windows are reloaded at once, and nobody else holds it meanwhile",
    async () => {
      for (let round = 0; round < RELOADS; round += 1) {
        await Promise.all([first.reload(), second.reload()]);
        await Promise.all([first.status(/tino PAPER$/), second.status(/tino PAPER$/)]);
      }
      expect(engines()).toEqual([editor().enginePid()]);
    },
    ROUND_MS * RELOADS,
  );

  it("are listed with process, time and place, in the terminal and in the editor", async () => {
    // What it starts later has a grace that can be waited for at the end.
    await first.terminal("TINO_WINDOW_GRACE_MS=6000 tino");
    await until(
      async () => (await clients()).filter(({ connected }) => connected).length === 3,
      () => "the terminal",
    );
    await first.page.locator(".terminal-wrapper.active .xterm-rows", { hasText: "3 clients" }).waitFor();
    const status = await editor().rig.tino(["status"]);
    const users = await clients();
    expect(users.map(({ kind }) => kind).sort()).toEqual(["cli", "vscode", "vscode"]);
    for (const { pid } of users) expect(status.stdout).toMatch(new RegExp(`(window|terminal) +${pid} `));

    await second.command("tino: Show who uses the engine");
    await second.page.locator(".quick-input-title", { hasText: `3 clients of engine ${editor().enginePid()}` }).waitFor();
    for (const { kind, pid, workspace, tty } of users) {
      const row = second.row(`${kind === "cli" ? "Terminal" : "Window"} ${pid}`);
      await row.waitFor();
      expect(await row.textContent()).toContain(workspace ?? tty);
      expect(await row.textContent()).toMatch(/since \d/);
    }
    await second.screenshot("lifetime clients");
    await second.page.keyboard.press("Escape");
    expect(engines()).toEqual([editor().enginePid()]);
  });

  it("still the same when an extension host is killed, which comes back to it", async () => {
    const host = await hostOf(second);
    process.kill(host, "SIGKILL");
    await until(
      async () => ![0, host].includes(await hostOf(second)),
      () => "another extension host",
    );
    await second.status(/tino PAPER$/);
    // The engine has removed the lock file of the dead one.
    const users = await clients();
    expect(editor().rig.locks().sort()).toEqual(users.map(({ pid }) => `cli-${pid}.lock`).sort());
    await second.lens(/Backtest/).waitFor();
    expect(engines()).toEqual([editor().enginePid()]);
  });
});

describe("an engine that is killed", () => {
  it("is replaced without a word, for all of them by the same one", async () => {
    const engine = editor().enginePid() as number;
    process.kill(engine, "SIGKILL");
    await until(
      () => ![null, engine].includes(editor().enginePid()),
      () => "another engine",
    );
    await until(
      async () => (await clients()).filter(({ connected }) => connected).length === 3,
      () => "everybody to be back",
    );
    await Promise.all([first.status(/tino PAPER$/), second.status(/tino PAPER$/)]);
    expect(await first.notifications()).toEqual([]);
    expect(await second.notifications()).toEqual([]);
    expect(engines()).toEqual([engine, editor().enginePid()]);
    // The language host is the new engine's; the lens is there again, or still.
    await second.lens(/Backtest/).waitFor();
  });
});

describe("the engine is stopped by hand", () => {
  it("not while others use it, unless that is confirmed", async () => {
    const engine = editor().enginePid();
    await first.command("tino: Stop engine");
    await first.dialog.getByText(/The engine is in use: .*window \d+/).waitFor();
    await first.dialog.getByText(/terminal \d+/).waitFor();
    await first.screenshot("lifetime stop dialog");
    await first.dialog.getByRole("button", { name: "Cancel" }).click();
    await first.dialog.waitFor({ state: "detached" });
    expect(editor().enginePid()).toBe(engine);
  });

  it("then every window is offline and stays so", async () => {
    const engine = editor().enginePid() as number;
    await first.command("tino: Stop engine");
    await first.dialog.getByRole("button", { name: "Stop anyway" }).click();
    await first.status("tino PAPER · offline");
    await second.status("tino PAPER · offline");
    await until(
      () => editor().engineProcesses().length === 0,
      () => "no process of the engine",
    );
    expect(engines()).toContain(engine);
    await second.sideBar();
    await second.page.locator(".sidebar").getByText("No engine is in use").waitFor();
    await second.page.locator(".sidebar").getByRole("button", { name: "Start engine" }).waitFor();
    expect(editor().enginePid()).toBeNull();
  });

  it("until somebody starts it again, here the terminal; then every window joins", async () => {
    await first.typeInTerminal("s");
    await Promise.all([first.status(/tino PAPER$/), second.status(/tino PAPER$/)]);
    await until(
      async () => (await clients()).filter(({ connected }) => connected).length === 3,
      () => "all three",
    );
    expect(engines()).toHaveLength(3);
  });
});

describe("the last window", () => {
  it("takes the engine along, after its grace, when the terminal is closed too", async () => {
    const engine = editor().enginePid() as number;
    await first.command("Terminal: Kill the Active Terminal Instance");
    await until(
      () => editor().rig.locks().length === 2,
      () => "the terminal to be gone",
    );
    await editor().closeWindow(first);
    await editor().closeWindow(second);
    await until(
      () => editor().rig.locks().length === 0,
      () => `no lock file, not ${editor().rig.locks()}`,
    );
    // It is still there: somebody may reload.
    expect(editor().enginePid()).toBe(engine);
    await until(
      () => editor().enginePid() === null && editor().engineProcesses().length === 0,
      () => "the engine to be gone",
    );
    expect(engines()).toHaveLength(3);
  });
});
