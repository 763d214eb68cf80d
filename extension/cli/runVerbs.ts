/** The verbs about runs that are there, their options and help. */
import { type Command, Option } from "commander";
import { ExportFormat, ExportTable } from "#contracts";
import type { Context } from "./context.ts";

interface Common {
  readonly json?: boolean;
}
type Verb = (name: string, description: string, end?: string) => Command;
type Perform = <O extends Common>(options: O, work: (context: Context, options: O) => Promise<number>) => Promise<void>;

const NAMED = "\nA run is named by its id, by any part of it that is unique, or by `last`.";

const REPRODUCE_END = `${NAMED}
The copy of the code is run, whatever its files hold now. Exit code 0 when everything is equal, 1 when not. Ctrl-C cancels.`;

/** Add them to the program: `verb` makes one, `perform` runs its work. */
export function addRunVerbs(verb: Verb, perform: Perform): void {
  const load = () => import("./runCommands.ts");
  verb("compare", "Show runs side by side, with differences to the first", NAMED)
    .argument("<run>", "what the others are held against")
    .argument("<runs...>", "one or more others")
    .option("--code", "show how the code differs, as a unified diff")
    .action((first: string, others: string[], options: Common & { code?: boolean }) =>
      perform(options, async (context, chosen) => (await load()).performCompare(context, [first, ...others], chosen)),
    );
  verb("reproduce", "Repeat a run with the code and spec it had, and compare every value", REPRODUCE_END)
    .argument("[run]", "which run", "last")
    .action((run: string, options: Common) => perform(options, async (context) => (await import("./reproduceCommand.ts")).performReproduce(context, run)));
  verb("tearsheet", "Take a run apart: months, drawdowns, distribution, weekdays, excursions", `${NAMED}\nAs a page: tino export <run> --as html`)
    .argument("[run]", "which run", "last")
    .action((run: string, options: Common) => perform(options, async (context) => (await load()).performTearsheet(context, run)));
  verb("export", "Write a run to a file", `${NAMED}\nWithout --out the file is named after the run and lies in the folder you are in; - is standard output.`)
    .argument("[run]", "which run", "last")
    .addOption(new Option("--as <format>", "format of the file").choices(ExportFormat.options).default("csv"))
    .addOption(new Option("--table <table>", "which table; all: a ZIP archive, with json one document").choices(ExportTable.options).default("trades"))
    .option("-o, --out <file>", "where to")
    .action((run: string, options: Common & { as: ExportFormat; table: ExportTable; out?: string }) =>
      perform(options, async (context, chosen) => (await load()).performExport(context, run, chosen)),
    );
  verb("tag", "Put tags on a run, or take them off", `${NAMED}\n\nExample:\n  tino tag last best "low risk"`)
    .argument("<run>", "which run")
    .argument("<tags...>", "words without a comma")
    .option("--remove", "take them off")
    .action((run: string, tags: string[], options: Common & { remove?: boolean }) =>
      perform(options, async (context, { remove }) =>
        (await load()).performLabel(context, [run], remove ? { removeTags: tags.map(trimmed) } : { addTags: tags.map(trimmed) }),
      ),
    );
  verb("note", "Write a note on a run; without text show it", NAMED)
    .argument("<run>", "which run")
    .argument("[text...]", "takes the place of the note that is there")
    .option("--clear", "remove the note")
    .action((run: string, text: string[], options: Common & { clear?: boolean }) =>
      perform(options, async (context, { clear }) => {
        const { performLabel, performShowNote } = await load();
        return clear || text.length > 0 ? performLabel(context, [run], { note: clear ? "" : text.join(" ") }) : performShowNote(context, run);
      }),
    );
  verb("pin", "Keep runs on top of lists", NAMED)
    .argument("<runs...>", "which runs")
    .option("--off", "let them sink again")
    .action((runs: string[], options: Common & { off?: boolean }) =>
      perform(options, async (context, { off = false }) => (await load()).performLabel(context, runs, { pinned: !off })),
    );
  verb(
    "delete",
    "Delete runs and their files; asks before it does",
    `${NAMED}\nThere is no way back. A run that has not ended is refused. Without a terminal it needs --yes.`,
  )
    .argument("<runs...>", "which runs")
    .option("-y, --yes", "do not ask")
    .action((runs: string[], options: Common & { yes?: boolean }) =>
      perform(options, async (context, chosen) => (await load()).performDelete(context, runs, chosen)),
    );
}

const trimmed = (text: string): string => text.trim();
