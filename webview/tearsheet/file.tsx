/**
 * A tearsheet as one file: this script, its styles and the run lie in it, and nothing is fetched. The build puts script and styles into
 * `file.html`, the engine puts the run into that. It follows the reader's light or dark theme and is printed on white.
 */
import "../theme.css";
import "../app.css";
import "../pages/Backtest/backtest.css";
import "./file.css";
import { createRoot } from "react-dom/client";
import { METRICS, type Metrics, type Run, type Tearsheet } from "#contracts";
import { metric, tone } from "../format.ts";
import { applyBrowserTheme } from "../theme.ts";
import { TearsheetView } from "./TearsheetView.tsx";

interface Shown {
  readonly run: Run;
  readonly tearsheet: Tearsheet;
}

function Page({ run, tearsheet }: Shown) {
  const days = tearsheet.curve.days;
  const facts: [string, string][] = [
    ...(run.result?.assumptions.map(({ label, value }): [string, string] => [label, value]) ?? []),
    ...Object.entries(run.parameters).map(([name, value]): [string, string] => [name, Array.isArray(value) ? value.join(", ") : String(value)]),
    ...Object.entries(run.result?.versions ?? {}),
    ["Run", run.id],
    ["Code", run.codeHash ?? "–"],
  ];
  return (
    <main className="sheet-file">
      <header>
        <h1>
          {run.name} <span className="muted">on</span> {run.symbols.join(", ")}
        </h1>
        <p className="muted">
          {days[0]} – {days.at(-1)} · run {new Date(run.createdAt).toISOString().slice(0, 16).replace("T", " ")} UTC · a backtest: no money was traded
        </p>
        {run.tags.length > 0 || run.note ? (
          <p>
            {run.tags.map((tag) => (
              <span key={tag} className="badge">
                {tag}
              </span>
            ))}{" "}
            {run.note}
          </p>
        ) : null}
      </header>
      <dl className="sheet-metrics">
        {(Object.keys(METRICS) as (keyof Metrics)[]).map((name) => (
          <div key={name} title={METRICS[name].definition}>
            <dt>{METRICS[name].label}</dt>
            <dd data-tone={tone(name, run.metrics?.[name] ?? null) ?? undefined}>{metric(name, run.metrics?.[name] ?? null, run.currency)}</dd>
          </div>
        ))}
      </dl>
      <TearsheetView run={run} sheet={tearsheet} />
      <section className="sheet-facts">
        <h3>What the figures rest on</h3>
        <dl className="facts">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {run.result?.warnings.map((warning) => (
          <p key={warning}>{warning}</p>
        ))}
      </section>
      <footer className="muted">Made by tino {__TINO_VERSION__}. Definitions: docs/metrics.md and docs/tearsheet.md.</footer>
    </main>
  );
}

applyBrowserTheme(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
matchMedia("(prefers-color-scheme: light)").addEventListener("change", ({ matches }) => applyBrowserTheme(matches ? "light" : "dark"));
addEventListener("beforeprint", () => applyBrowserTheme("light"));
addEventListener("afterprint", () => applyBrowserTheme(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));

const shown = JSON.parse(document.getElementById("shown")?.textContent ?? "null") as Shown;
document.title = `${shown.run.name} on ${shown.run.symbols.join(", ")} – tearsheet`;
createRoot(document.getElementById("root")!).render(<Page {...shown} />);
