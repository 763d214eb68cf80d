/** `tino sweep`, `sweep resume`, `stop`, `show`, `delete`, `tino sweeps`: from options to output. */

import type { Sweep } from "#contracts";
import { EXIT, TinoError } from "#contracts/catalogue";
import type { EngineLink } from "../client/engineLink.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { count } from "./format.ts";
import { orAborted, withEngine } from "./session.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { sweepProgressText, sweepsText, sweepText } from "./ui/sweepText.ts";
import { honestyText } from "./ui/validationText.ts";
import { getStrategyFile } from "./verbs/backtest.ts";
import { buildSweep, findSweepId, followSweep, listPoints, type SweepOptions } from "./verbs/sweep.ts";
import { workspaceOf } from "./workspace.ts";

export async function performSweep(context: Context, options: SweepOptions): Promise<number> {
  const path = getStrategyFile(options.file, context.cwd);
  return withEngine(context, { workspace: workspaceOf(path, context.cwd) }, async (link) => {
    const { screen, signal } = context;
    const request = await orAborted(buildSweep(link, path, options), signal);
    const plan = await orAborted(link.call("planSweep", { body: request }), signal);
    if (plan.asks && !request.confirmed && screen.interactive) {
      const points = plan.points ?? plan.combinations;
      if (!(await confirm(`Try ${points === null ? "more points than are counted" : `${count(points)} points`}? [y/N] `, signal))) return EXIT.cancelled;
      request.confirmed = true;
    }
    return stay(context, link, () => link.call("startSweep", { body: request }), options.top);
  });
}

export const performResume = (context: Context, name: string, { top }: { top: number }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const id = await orAborted(findSweepId(link, name), context.signal);
    const sweep = await orAborted(link.call("getSweep", { path: { id } }), context.signal);
    // Resuming runs its code: naming the sweep is the act of trust, as naming the file was.
    return withEngine(context, { workspace: workspaceOf(sweep.path, context.cwd) }, (trusting) =>
      stay(context, trusting, () => trusting.call("resumeSweep", { path: { id } }), top),
    );
  });

export const performStop = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const id = await orAborted(findSweepId(link, name), context.signal);
    const sweep = await orAborted(link.call("stopSweep", { path: { id } }), context.signal);
    if (context.screen.json) context.screen.printJson({ sweep });
    else context.screen.print(`Stopped after ${count(sweep.progress.done)} points. \`tino sweep resume ${id.slice(-8)}\` goes on.`);
    return EXIT.ok;
  });

export const performSweeps = (context: Context, { limit }: { limit: number }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, place, signal } = context;
    const list = await orAborted(link.call("listSweeps", { query: { limit } }), signal);
    if (screen.json) screen.printJson(list);
    else
      screen.print(
        list.sweeps.length === 0
          ? "No sweeps yet. `tino sweep <file> --symbol … --param fast=5:50:5` makes one."
          : sweepsText(list.sweeps, screen, place.clock.now()),
      );
    return EXIT.ok;
  });

export const performShowSweep = (context: Context, name: string, { top }: { top: number }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const id = await orAborted(findSweepId(link, name), context.signal);
    await say(context, link, await orAborted(link.call("getSweep", { path: { id } }), context.signal), top);
    return EXIT.ok;
  });

export const performDeleteSweep = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const id = await orAborted(findSweepId(link, name), context.signal);
    const sweep = await orAborted(link.call("deleteSweep", { path: { id } }), context.signal);
    if (context.screen.json) context.screen.printJson({ sweep });
    else context.screen.print(`Deleted the sweep and its ${count(sweep.progress.done)} points.`);
    return EXIT.ok;
  });

async function stay(context: Context, link: EngineLink, start: () => Promise<Sweep>, top: number): Promise<number> {
  const line = new StatusLine(context.screen);
  let sweep: Sweep;
  try {
    sweep = await followSweep(link, start, context.signal, (now) => line.spin(sweepProgressText(now)));
  } finally {
    line.clear();
  }
  if (sweep.status === "failed" && sweep.progress.done === 0 && sweep.error) throw new TinoError(sweep.error);
  await say(context, link, sweep, top);
  if (sweep.status === "stopped") {
    context.screen.note(`Stopped. \`tino sweep resume ${sweep.id.slice(-8)}\` goes on where it was.`);
    return EXIT.cancelled;
  }
  if (!sweep.error) return EXIT.ok;
  const error = new TinoError(sweep.error);
  if (!context.screen.json) context.screen.fail(error);
  return error.exitCode;
}

async function say({ screen }: Context, link: EngineLink, sweep: Sweep, top: number): Promise<void> {
  const points = await listPoints(link, sweep.id);
  // Next to the best result stands how much of it the number of trials leaves.
  const honesty = sweep.best.length > 0 ? await link.call("getHonesty", { query: { sweep: sweep.id } }) : null;
  if (screen.json) screen.printJson({ sweep, points, honesty });
  else screen.print([sweepText(sweep, points, top, screen), ...(honesty ? [honestyText(honesty, screen)] : [])].join("\n\n"));
}
