/** Engines of other versions, and one whose language sessions break: nothing is forced, and the user is told what can be done, or not bothered. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bundleOf, ClientProcess, until } from "../rig.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

const editor = editorFor({ fake: "mumble" });
let window: EditorWindow;

/** A terminal of another version, which has an engine of its own. */
async function startTerminal(protocol: number): Promise<ClientProcess> {
  const program = await bundleOf("test/supervision/client.ts", protocol);
  const terminal = new ClientProcess(editor().rig.start([program, "cli"], { env: { TINO_FAKE: `protocol=${protocol}` } }));
  await terminal.live();
  return terminal;
}

async function leave(terminal: ClientProcess): Promise<void> {
  terminal.tell("leave");
  await terminal.running.finished;
}

describe("a newer engine", () => {
  it("is left alone; the window offers to be reloaded", async () => {
    const terminal = await startTerminal(2);
    const engine = editor().enginePid();
    window = await editor().open();
    await window.openFile("ema_cross.py");
    await window.status("tino PAPER · error");
    const word = window.notification(`A newer engine runs: process ${engine}, version 0.0.0-fake, protocol 2`);
    await word.getByRole("button", { name: "Reload window" }).waitFor();
    await window.screenshot("versions newer engine");
    expect(editor().enginePid()).toBe(engine);
    await leave(terminal);
    await window.command("Notifications: Clear All Notifications");
  });
});

describe("an older engine that others use", () => {
  it("is replaced when the user says so, who is told by whom it is used", async () => {
    const terminal = await startTerminal(0);
    const engine = editor().enginePid();
    await window.command("tino: Start engine");
    const word = window.notification(`An older engine runs: process ${engine}, version 0.0.0-fake, protocol 0`);
    await word.getByRole("button", { name: "Try again" }).waitFor();
    await window.screenshot("versions older engine");
    expect(editor().enginePid()).toBe(engine);
    await word.getByRole("button", { name: "Restart engine" }).click();
    await window.dialog.getByText(`The engine is in use: terminal ${terminal.pid}.`).waitFor();
    await window.screenshot("versions restart dialog");
    await window.dialog.getByRole("button", { name: "Restart engine" }).click();
    await window.status(/tino PAPER$/);
    expect(editor().enginePid()).not.toBe(engine);
    await terminal.hears("the end", (report) => report.state?.kind === "stopped");
    await leave(terminal);
  });
});

describe("an engine whose language sessions break", () => {
  it("is a matter of the log", async () => {
    await until(
      () => readFileSync(editor().rig.paths.windowLog, "utf8").includes('"given_up"'),
      () => "the language client to give up",
    );
    await window.status(/tino PAPER$/);
    expect(await window.notifications()).toEqual([]);
  });
});
