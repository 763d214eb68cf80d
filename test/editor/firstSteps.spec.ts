/** What a newcomer does: an empty window, the walkthrough, the example, a strategy of their own, the dashboard outside the editor. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { until } from "../rig.ts";
import { BacktestPanel } from "./pages/backtestPanel.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

const editor = editorFor();
let window: EditorWindow;

describe("an empty window", () => {
  it("leads to the first steps", async () => {
    window = await editor().open({ folder: null });
    await window.sideBar();
    await window.status(/tino PAPER$/);
    await window.page.locator(".sidebar").getByText("Open a folder with strategies").waitFor();
    await window.page.locator(".sidebar").getByText("Take the first steps").click();
    const walkthrough = window.page.locator(".gettingStartedContainer");
    await walkthrough.getByText("Your first backtest").first().waitFor();
    for (const step of ["Open a strategy", "Press the lens above the class", "Look at the dashboard", "Bring in some prices"]) {
      await walkthrough.getByRole("button", { name: step }).first().click();
      await walkthrough.getByRole("button", { name: step, expanded: true }).first().waitFor();
      await window.screenshot(`firstSteps walkthrough ${step}`);
    }
  });

  it("imports the sample from there", async () => {
    const walkthrough = window.page.locator(".gettingStartedContainer");
    await walkthrough.getByRole("button", { name: "Import sample data" }).click();
    await window.page.locator(".statusbar-item", { hasText: "5 series imported" }).waitFor();
    const engine = await editor().engine();
    expect((await engine.call("listSymbols")).symbols).toHaveLength(5);
    engine.close();
  });

  it("copies the examples where the user says, and opens them", async () => {
    const parent = editor().path("projects");
    mkdirSync(parent);
    await window.command("tino: Open example workspace");
    await window.choosePath(`${parent}/`, "Create it here");
    await window.page.waitForURL(/tino-examples/);
    await window.openFile("ema_cross.py");
    await window.lens("Backtest").waitFor();
    expect(existsSync(join(parent, "tino-examples", "strategies", "ema_cross.py"))).toBe(true);
  });
});

describe("a new strategy", () => {
  it("asks for a name that can be a class", async () => {
    await window.command("tino: New strategy");
    const input = window.page.locator(".quick-input-widget:visible input").first();
    const word = window.page.locator(".quick-input-message");
    for (const [name, reason] of [
      ["reversal", "begins with a capital letter"],
      ["EmaCross", "strategies/ema_cross.py exists already"],
    ] as const) {
      await input.fill(name);
      await word.filter({ hasText: reason }).waitFor();
    }
    await window.screenshot("firstSteps name taken");
    await input.fill("Reversal");
    await word.filter({ hasText: "Name of the class" }).waitFor();
    await window.page.keyboard.press("Enter");
    await window.tab("reversal.py").waitFor();
  });

  it("has its lens at once and runs", async () => {
    await window.page.locator(".view-line", { hasText: "class Reversal(Strategy)" }).waitFor();
    await window.lens(/Backtest$/).click();
    const panel = new BacktestPanel(window);
    await panel.result();
    await panel.heading.filter({ hasText: "Reversal" }).waitFor();
    await window.sideBar();
    await window.treeRow(/^Reversal/).waitFor();
  });
});

describe("the dashboard", () => {
  it("opens in a browser, by an address that works once", async () => {
    const opened = window.page.context().waitForEvent("page");
    await window.command("tino: Open dashboard in browser");
    const page = await opened;
    // The editor hands every loopback address to its own proxy, which this server lacks; the engine's own follows from it.
    await until(
      () => /#code=/.test(page.url()),
      () => `an address with a code, not ${page.url()}`,
    );
    const [, port, rest] = /\/proxy\/(\d+)\/(.*)$/.exec(page.url()) ?? [];
    expect(Number(port)).toBe(editor().rig.engineInfo()?.port);
    const address = `http://127.0.0.1:${port}/${rest}`;
    await page.goto(address);
    await page.getByText("Reversal").first().waitFor();
    await page.screenshot({ path: join("test-results", "editor", "firstSteps-browser.png") });
    expect(page.url()).not.toContain("code=");
    const second = await page.context().newPage();
    await second.goto(address);
    await second.getByText("This page has no session").waitFor();
    await second.close();
    await page.close();
  });
});
