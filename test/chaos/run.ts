/**
 * `npm run chaos -- --schedules 200 --clients 8 --seed 7`: seeded schedules of real clients that start, stop, are killed and stopped while
 * the engine is killed too, and whether one engine held every promise.
 *
 *   --schedules N  how many          --clients N   places in each       --seed N      of the first; each next one is one more
 *   --graces short|real              --parallel N  how many at a time   --json        one object instead of a table
 *   --output FILE  that object, too, as it stands after each schedule
 *   --storm N --rounds N   instead: N clients that start in the same instant, again and again
 *   --reloads N            instead: N window reloads, by as many windows as there are clients
 *
 * Exit code 1 when a promise broke. Each schedule that broke one is named with the command that plays it alone; its logs
 * and what each client said stay in `test-results/chaos/<seed>`.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bundleOf } from "../rig.ts";
import { reloads, storm } from "./crowds.ts";
import type { Promised } from "./judge.ts";
import { makeTemplate, type Outcome, play } from "./play.ts";
import { makeSchedule } from "./schedule.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "200" },
    clients: { type: "string", default: "8" },
    seed: { type: "string", default: "7" },
    graces: { type: "string", default: "short" },
    parallel: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
    output: { type: "string" },
    storm: { type: "string", default: "0" },
    rounds: { type: "string", default: "100" },
    reloads: { type: "string", default: "0" },
  },
});
const count = (name: "schedules" | "clients" | "seed" | "parallel" | "storm" | "rounds" | "reloads"): number => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} takes a whole number.`);
  process.exit(2);
};
const [schedules, clients, seed] = [count("schedules"), count("clients"), count("seed")];
const graces = values.graces === "real" ? "real" : "short";

await bundleOf("test/chaos/client.ts");
if (count("storm") > 0 || count("reloads") > 0) {
  const every = (done: number) => done % 10 === 0 && console.error(done);
  const outcome = count("storm") > 0 ? await storm(count("storm"), count("rounds"), every) : await reloads(count("reloads"), clients, seed, every);
  for (const finding of outcome.findings) console.error(finding);
  console.log(JSON.stringify({ ...outcome, elapsedMs: Math.round(outcome.elapsedMs) }));
  process.exit(outcome.findings.length > 0 ? 1 : 0);
}

const since = performance.now();
const outcomes: Outcome[] = [];
const broken: { seed: number; reason: string }[] = [];
const template = await makeTemplate();
try {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < schedules; index = next++) {
      try {
        tell(await play(makeSchedule(seed + index, clients), template, graces));
      } catch (error) {
        broken.push({ seed: seed + index, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        console.error(`✗ seed ${seed + index}: the schedule could not be played: ${error instanceof Error ? error.stack : error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: count("parallel") }, worker));
} finally {
  await template.close();
}

const result = summarise();
process.stdout.write(values.json ? textOf(result) : table());
process.exitCode = result.failed > 0 ? 1 : 0;

function textOf(summary: ReturnType<typeof summarise>): string {
  return `${JSON.stringify(summary, null, 2)}\n`;
}

function tell(outcome: Outcome): void {
  outcomes.push(outcome);
  if (values.output) writeFileSync(values.output, textOf(summarise()));
  const { findings, elapsedMs } = outcome;
  if (findings.length > 0 || !values.json) {
    const done = `${outcomes.length + broken.length}/${schedules}`;
    console.error(`${findings.length > 0 ? "✗" : "✓"} seed ${outcome.seed}  ${(elapsedMs / 1000).toFixed(1)} s  ${done}`);
  }
  for (const { promise, what } of findings) console.error(`    ${promise}: ${what}`);
  if (findings.length > 0) console.error(`    npm run chaos -- --seed ${outcome.seed} --schedules 1 --clients ${clients} --graces ${graces}`);
}

function summarise() {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const broke = (promise: Promised) => sum(({ findings }) => findings.filter((finding) => finding.promise === promise).length);
  const recoveries = outcomes.flatMap(({ recoveriesMs }) => recoveriesMs).sort((a, b) => a - b);
  const failed = outcomes.filter(({ findings }) => findings.length > 0).map((outcome) => outcome.seed);
  return {
    schedules: outcomes.length + broken.length,
    clientsEach: clients,
    seed,
    graces,
    clients: sum((outcome) => outcome.clients),
    engineStarts: sum(({ engineStarts }) => engineStarts),
    kills: sum(({ kills }) => kills),
    orphans: broke("orphan"),
    overlappingEngines: broke("overlap"),
    lostEvents: broke("lost"),
    doubledEvents: broke("doubled"),
    clientsNotBack: broke("notBack"),
    foreignSignals: broke("foreignSignal"),
    databaseFaults: broke("database"),
    failedRuns: broke("run"),
    notEnded: broke("notEnded"),
    engineHangs: sum(({ hangs }) => hangs),
    forcedEnds: sum(({ forced }) => forced),
    bystanders: sum(({ bystanders }) => bystanders),
    reusedPids: sum(({ reusedPids }) => reusedPids),
    signals: sum(({ terms, signalKills }) => terms + signalKills),
    signalsTerm: sum(({ terms }) => terms),
    signalsKill: sum(({ signalKills }) => signalKills),
    runs: sum(({ runs }) => runs),
    eventsTold: sum(({ told }) => told),
    crashLoops: sum(({ crashLoops }) => crashLoops),
    recoveries: recoveries.length,
    slowestRecoveryMs: recoveries.at(-1) ?? null,
    recoveryP95Ms: recoveries[Math.ceil(0.95 * recoveries.length) - 1] ?? null,
    recoveryMedianMs: recoveries[Math.ceil(0.5 * recoveries.length) - 1] ?? null,
    elapsedSeconds: Math.round((performance.now() - since) / 1000),
    passed: outcomes.length - failed.length,
    failed: failed.length + broken.length,
    failedSeeds: [...failed, ...broken.map((one) => one.seed)],
  };
}

function table(): string {
  const words = (name: string) => name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`).replace(/ ms$/, " (ms)");
  return `${Object.entries(result)
    .map(([name, value]) => `${words(name).padEnd(24)}${Array.isArray(value) ? value.join(", ") || "–" : (value ?? "–")}`)
    .join("\n")}\n`;
}
