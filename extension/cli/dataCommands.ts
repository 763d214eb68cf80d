/** `tino data …`: from options to output. */
import { EXIT, TinoError } from "#contracts/catalogue";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { orAborted, withEngine } from "./session.ts";
import { importProgressText, importText, oneSeriesText, previewText, seriesText } from "./ui/dataText.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { buildImport, findNames, findSeries, type ImportOptions, importFiles, lastBars } from "./verbs/data.ts";

const SHOWN_BARS = 10;

type Typed = Omit<ImportOptions, "files"> & { preview?: boolean };

export async function performImport(context: Context, files: readonly string[], options: Typed, headerGiven: boolean): Promise<number> {
  const { screen, signal } = context;
  const request = buildImport({ ...options, header: headerGiven ? options.header : undefined, files }, context.cwd);
  return withEngine(context, {}, async (link) => {
    const line = new StatusLine(screen);
    try {
      line.spin("Looking at the files");
      if (options.preview) {
        const preview = await orAborted(link.call("previewImport", { body: request }), signal);
        line.clear();
        if (screen.json) screen.printJson(preview);
        else screen.print(previewText(preview, screen));
        return EXIT.ok;
      }
      const job = await importFiles(link, request, signal, (going) => line.show(importProgressText(going, screen, line.width)));
      line.clear();
      if (screen.json) screen.printJson({ import: job });
      else screen.print(importText(job, screen));
      return EXIT.ok;
    } finally {
      line.clear();
    }
  });
}

export const performList = (context: Context): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const list = await orAborted(link.call("listSymbols"), signal);
    if (screen.json) screen.printJson(list);
    else if (list.symbols.length === 0) screen.print("No data yet. `tino data import <file>` brings yours, `tino demo` the sample.");
    else screen.print(seriesText(list, screen));
    return EXIT.ok;
  });

export const performShowData = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const found = findSeries(await orAborted(link.call("listSymbols"), signal), [name]);
    const shown = [];
    for (const { entry, coverage } of found) shown.push({ entry, coverage, bars: await orAborted(lastBars(link, coverage, SHOWN_BARS), signal) });
    if (screen.json)
      screen.printJson({ series: shown.map(({ entry, coverage, bars }) => ({ instrument: entry.instrument, actions: entry.actions, coverage, bars })) });
    else screen.print(shown.map(({ entry, coverage, bars }) => oneSeriesText(entry, coverage, bars, screen)).join("\n\n"));
    return EXIT.ok;
  });

export const performRemove = (context: Context, names: readonly string[], { yes = false }: { yes?: boolean }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const found = findNames(await orAborted(link.call("listSymbols"), signal), names);
    const barTypes = found.map(({ name }) => name);
    if (!yes) {
      if (!screen.interactive) throw TinoError.of("terminal_required", {}, { hint: "Run it in a terminal, or say --yes." });
      for (const { name, rows } of found) screen.print(`${name}  ${rows}`);
      if (!(await confirm("Remove these series? Runs keep their results. [y/N] ", signal))) return EXIT.cancelled;
    }
    const left = await orAborted(link.call("removeData", { body: { barTypes } }), signal);
    if (screen.json) screen.printJson(left);
    else screen.print(`Removed ${barTypes.join(", ")}.`);
    return EXIT.ok;
  });
