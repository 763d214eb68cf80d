/** From the lens to the result, over a reload, in two windows. The tests are one story and run in order. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { METRICS, type Metrics, type Run } from "#contracts";
import { until } from "../rig.ts";
import { BacktestPanel, readFigure } from "./pages/backtestPanel.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

const editor = editorFor();
let window: EditorWindow;
let panel: BacktestPanel;
let run: Run;

/** The newest run as the engine tells it, with its result. */
async function newestRun(): Promise<Run> {
  const engine = await editor().engine();
  try {
    const { runs } = await engine.call("listRuns", { query: { limit: 1 } });
    return await engine.call("getRun", { path: { id: runs[0]?.id ?? "" } });
  } finally {
    engine.close();
  }
}

/** Hold every figure of the page against the engine's, to the last decimal that is shown. */
async function expectFiguresOf({ metrics, currency }: Run): Promise<void> {
  const figures = await panel.figures();
  expect([...figures.keys()].sort()).toEqual(Object.keys(METRICS).sort());
  for (const [name, text] of figures) {
    const value = metrics?.[name as keyof Metrics] ?? null;
    if (value === null) {
      expect(text, name).toBe("–");
      continue;
    }
    const { unit } = METRICS[name];
    const shown = readFigure(text);
    const scaled = unit === "percent" ? value * 100 : value;
    expect(shown.value, `${name}: ${text} for ${value}`).toBe(Number(scaled.toFixed(shown.decimals)) + 0);
    expect(shown.unit, name).toBe({ percent: "%", money: currency, days: shown.value === 1 ? "day" : "days", perYear: "× a year", ratio: "", count: "" }[unit]);
  }
}

describe("a workspace with strategies", () => {
  it("is opened without starting anything", async () => {
    const folder = editor().workspace("plain", { "plain.py": "print('no strategy')\n" });
    const plain = await editor().open({ folder });
    await plain.openFile("plain.py");
    // The extension is awake, its item is there, and still there is no engine and no lease.
    await plain.status("tino PAPER · offline");
    expect(editor().enginePid()).toBeNull();
    expect(editor().rig.locks()).toEqual([]);
    expect(await plain.offers("tino: Start engine")).toBe(true);
    expect(await plain.offers("tino: Stop engine")).toBe(false);
    await plain.screenshot("backtest offline");
    await editor().closeWindow(plain);
  });

  it("starts the engine when a strategy is opened, and shows the lens", async () => {
    window = await editor().open();
    panel = new BacktestPanel(window);
    await window.openFile("ema_cross.py");
    await window.status(/tino PAPER$/);
    await window.lens(/Backtest$/).waitFor();
    expect(editor().enginePid()).not.toBeNull();
    expect(editor().rig.locks()).toEqual([`cli-${await window.extensionHost()}.lock`]);
  });

  it("lists strategies and, without runs, says what to do", async () => {
    await window.sideBar();
    await window.treeRow("EmaCross").waitFor();
    await window.page.locator(".sidebar").getByText("No backtests yet").waitFor();
  });
});

describe("the lens", () => {
  it("offers the sample where there is no data, then runs", async () => {
    await window.lens(/Backtest$/).click();
    await panel.frame.getByText("No market data yet").waitFor();
    await window.screenshot("backtest no data");
    await panel.frame.getByRole("button", { name: "Import sample data" }).click();
    await panel.result();
    run = await newestRun();
    expect(run.status).toBe("finished");
    expect(run.origin).toBe("vscode");
  });

  it("shows exactly the engine's numbers", async () => {
    await panel.tab("Metrics").click();
    await expectFiguresOf(run);
  });

  it("draws a chart", async () => {
    await until(
      async () => (await panel.chartColours()) > 8,
      () => "candles in the chart",
    );
  });

  it("carries the last result, as the tree does", async () => {
    const { totalReturn, sharpe } = run.metrics ?? {};
    const percent = readFigure(`${((totalReturn ?? 0) * 100).toFixed(1)}`).value;
    for (const place of [window.lens(/last:/), window.treeRow("AAPL.XNAS")]) {
      await place.waitFor();
      const text = (await place.textContent()) ?? "";
      const [, result = ""] = /([+−][\d.,]+)\s*%/u.exec(text) ?? [];
      expect(readFigure(result).value).toBe(percent);
      expect(text).toContain(`Sharpe ${sharpe?.toFixed(2)}`);
    }
  });

  it("saves what was typed before it runs", async () => {
    await window.replaceIn("ema_cross.py", "] = 10  # Bars of the fast", "] = 12  # Bars of the fast");
    await window.lens(/Backtest/).click();
    await until(
      async () => (await newestRun()).id !== run.id && (await newestRun()).status === "finished",
      () => "a second run",
    );
    run = await newestRun();
    expect(run.parameters).toMatchObject({ fast: 12, slow: 20 });
    expect(readFileSync(run.path, "utf8")).toContain("= 12  # Bars of the fast");
    await panel.result();
    await until(
      async () => readFigure((await panel.figures()).get("finalEquity") ?? "").value === Math.round(run.metrics?.finalEquity ?? 0),
      () => "the figures of the second run",
    );
    await expectFiguresOf(run);
  });
});

describe("a trade", () => {
  it("leads to the line of its order", async () => {
    await panel.tab(/^Trades/).click();
    const row = panel.rows("Trades").first();
    await row.waitFor();
    expect(await panel.tab(/^Trades/).textContent()).toContain(String(run.metrics?.trades));
    await row
      .getByTitle(/^Open .*:\d+$/)
      .first()
      .click();
    const line =
      readFileSync(run.path, "utf8")
        .split("\n")
        .findIndex((text) => text.includes("self.submit_order(")) + 1;
    await window.page.locator(".statusbar-item", { hasText: `Ln ${line},` }).waitFor();
  });
});

describe("a chart", () => {
  it("is saved as a file where the user says", async () => {
    const path = editor().path("chart.png");
    // On a busy machine the editor's dialog now and then forgets an answer that it got while it looked at the disk.
    await window.attempts(async () => {
      if (existsSync(path)) return;
      await panel.export("Chart as PNG");
      await window.choosePath(path, "OK");
      await until(
        () => existsSync(path),
        () => "the picture",
        15_000,
      );
    });
    expect(readFileSync(path).subarray(1, 4).toString("ascii")).toBe("PNG");
  });
});

describe("the window", () => {
  it("is reloaded, and the panel shows the same run from the same engine", async () => {
    const engine = editor().enginePid();
    await window.remembers(run.id);
    await window.reload();
    await panel.result();
    await panel.tab("Metrics").click();
    await expectFiguresOf(run);
    await window.status(/tino PAPER$/);
    expect(editor().enginePid()).toBe(engine);
  });

  it("shares its engine with a second one, where the run is known too", async () => {
    const engine = editor().enginePid();
    const second = await editor().open({ browser: { viewport: { width: 760, height: 900 } } });
    await second.openFile("ema_cross.py");
    await second.status(/tino PAPER$/);
    await second.lens(/last:/).waitFor();
    expect(editor().enginePid()).toBe(engine);
    expect(editor().rig.locks()).toHaveLength(2);
    await second.command("tino: Show who uses the engine");
    await second.page.locator(".quick-input-title", { hasText: `2 clients of engine ${engine}` }).waitFor();
    expect(await second.page.locator(".quick-input-list .monaco-list-row").count()).toBe(2);
    await second.screenshot("backtest clients");
    await second.page.keyboard.press("Escape");
    await editor().closeWindow(second);
  });

  it("shows all runs on a page of their own, and opens one from there", async () => {
    await window.command("tino: Open runs");
    await window.panel
      .getByRole("row", { name: /EmaCross/ })
      .first()
      .waitFor();
    expect(await window.panel.getByRole("row", { name: /EmaCross/ }).count()).toBe(2);
    await window.screenshot("backtest runs page");
    await window.panel
      .getByRole("row", { name: /EmaCross/ })
      .first()
      .dblclick();
    await window.tab("EmaCross · Backtest").waitFor();
  });

  it("looks right in light and in high contrast", async () => {
    await window.tab("EmaCross · Backtest").click();
    await panel.result();
    for (const [theme, look] of [
      ["Light Modern", ".vs"],
      ["Dark High Contrast", ".hc-black"],
    ] as const) {
      await window.command("Preferences: Color Theme");
      await window.choose(theme);
      await window.page.locator(`.monaco-workbench${look}`).waitFor();
      // The page reads the colours of its theme anew; the chart's come last.
      await window.panel.locator(`body.vscode-${look === ".vs" ? "light" : "high-contrast"}`).waitFor();
      await window.screenshot(`backtest theme ${theme}`);
    }
  });
});
