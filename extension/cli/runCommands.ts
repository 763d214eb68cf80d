/** `tino compare`, `tearsheet`, `export`, `tag`, `note`, `pin`, `delete`: from options to output. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type CallArgs, type ExportFormat, type ExportTable, exportName, type RunSummary } from "#contracts";
import { EXIT, TinoError } from "#contracts/catalogue";
import type { EngineLink } from "../client/engineLink.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { bytes, shortPath, shortRun } from "./format.ts";
import { orAborted, withEngine } from "./session.ts";
import { codeText, compareText } from "./ui/compareText.ts";
import { dataOf } from "./ui/runText.ts";
import { tearsheetText } from "./ui/tearsheetText.ts";
import { findRunId } from "./verbs/runs.ts";

type Labels = Omit<NonNullable<CallArgs<"labelRuns">["body"]>, "runs">;

export const performCompare = (context: Context, names: readonly string[], { code = false }: { code?: boolean }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const runs = await orAborted(findRunIds(link, names), signal);
    const comparison = await orAborted(link.call("compareRuns", { body: { runs } }), signal);
    const codes = code ? await orAborted(Promise.all(runs.map((id) => link.call("getRunCode", { path: { id } }))), signal) : null;
    if (screen.json) screen.printJson(codes ? { ...comparison, code: codes } : comparison);
    else screen.print([compareText(comparison, screen), ...(codes ? [codeText(codes, screen)] : [])].join("\n\n"));
    return EXIT.ok;
  });

export const performTearsheet = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const id = await orAborted(findRunId(link, name), signal);
    const run = await orAborted(link.call("getRun", { path: { id } }), signal);
    const tearsheet = await orAborted(link.call("getTearsheet", { path: { id } }), signal);
    if (screen.json) screen.printJson(tearsheet);
    else screen.print(tearsheetText(run, tearsheet, screen));
    return EXIT.ok;
  });

export const performExport = (context: Context, name: string, { as, table, out }: { as: ExportFormat; table: ExportTable; out?: string }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal, cwd } = context;
    const id = await orAborted(findRunId(link, name), signal);
    const run = await orAborted(link.call("getRun", { path: { id } }), signal);
    const content = await orAborted(link.call("exportRun", { path: { id }, query: { as, table } }), signal);
    if (out === "-") {
      process.stdout.write(content);
      return EXIT.ok;
    }
    const path = resolve(cwd, out ?? exportName(run.name, id, { as, table }));
    try {
      writeFileSync(path, content);
    } catch (cause) {
      throw TinoError.of("file_not_written", { path, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
    }
    if (screen.json) screen.printJson({ path, bytes: content.length });
    else screen.print(`Wrote ${shortPath(path)}, ${bytes(content.length)}.`);
    return EXIT.ok;
  });

export const performLabel = (context: Context, names: readonly string[], labels: Labels): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const runs = await orAborted(findRunIds(link, names), signal);
    const changed = await orAborted(link.call("labelRuns", { body: { runs, ...labels } }), signal);
    if (screen.json) screen.printJson(changed);
    else for (const run of changed.runs) screen.print(labelsLine(run));
    return EXIT.ok;
  });

export const performShowNote = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const id = await orAborted(findRunId(link, name), signal);
    const { note } = await orAborted(link.call("getRun", { path: { id } }), signal);
    if (screen.json) screen.printJson({ id, note });
    else screen.print(note || "No note.");
    return EXIT.ok;
  });

export const performDelete = (context: Context, names: readonly string[], { yes = false }: { yes?: boolean }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const runs = await orAborted(findRunIds(link, names), signal);
    if (!yes) {
      if (!screen.interactive) throw TinoError.of("terminal_required", {}, { hint: "Run it in a terminal, or say --yes." });
      for (const id of runs) screen.print(labelsLine(await orAborted(link.call("getRun", { path: { id } }), signal)));
      if (!(await confirm(`Delete ${runs.length === 1 ? "this run" : `these ${runs.length} runs`} and their files for good? [y/N] `, signal)))
        return EXIT.cancelled;
    }
    const reply = await orAborted(link.call("deleteRuns", { body: { runs } }), signal);
    if (screen.json) screen.printJson(reply);
    else screen.print(`Deleted ${reply.deleted.length === 1 ? "1 run" : `${reply.deleted.length} runs`}; ${bytes(reply.freedBytes)} are free again.`);
    return EXIT.ok;
  });

const findRunIds = async (link: EngineLink, names: readonly string[]): Promise<string[]> => [
  ...new Set(await Promise.all(names.map((name) => findRunId(link, name)))),
];

/** `0a1b2c3d  EmaCross on AAPL.XNAS  pinned  #best  “a note”` */
const labelsLine = (run: RunSummary): string =>
  [
    shortRun(run.id),
    `${run.name} on ${dataOf(run)}`,
    ...(run.pinned ? ["pinned"] : []),
    ...run.tags.map((tag) => `#${tag}`),
    ...(run.note ? [`“${run.note}”`] : []),
  ].join("  ");
