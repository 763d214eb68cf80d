/** `tino reproduce`: from options to output. */
import { EXIT } from "#contracts/catalogue";
import type { Context } from "./context.ts";
import { orAborted, withEngine } from "./session.ts";
import { reproductionText } from "./ui/reproductionText.ts";
import { progressText } from "./ui/runText.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { reproduceRun } from "./verbs/reproduce.ts";
import { findRunId } from "./verbs/runs.ts";

export const performReproduce = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const id = await orAborted(findRunId(link, name), signal);
    const line = new StatusLine(screen);
    try {
      line.spin("Starting the repetition");
      const run = await reproduceRun(link, id, context, {
        onStarted: (started) => {
          if (!screen.animated) screen.note(`Repeating ${started.name} as it ran in ${id}.`);
        },
        onProgress: (running, progress) => line.show(progressText(running, progress, screen, line.width)),
      });
      line.clear();
      if (screen.json) screen.printJson({ run });
      else screen.print(reproductionText(run, screen));
      return run.reproduction?.equal ? EXIT.ok : EXIT.fault;
    } finally {
      line.clear();
    }
  });
