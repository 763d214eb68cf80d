/**
 * The diagnosis: what was looked at, what was found, what to do about it. It starts no engine, takes no lease and changes nothing, so
 * asking does no harm; and it works when little else does: every check stands alone, and one that fails is itself a finding.
 */
import { type Check, count, problem, type Repair, reasonOf, type Verdict, verdictOf, worst } from "./check.ts";
import { checkClock, checkPort, checkVersions } from "./engine.ts";
import { checkLocks } from "./locks.ts";
import { checkPackages, checkPython } from "./python.ts";
import { checkRunDirectory } from "./runDirectory.ts";
import { checkDatabase, checkDisk } from "./storage.ts";
import type { Subject } from "./subject.ts";

/** In the order in which they are shown: what rests on what comes first. */
const CHECKS: readonly [name: string, title: string, look: (subject: Subject) => Check | Promise<Check>][] = [
  ["versions", "Versions", checkVersions],
  ["python", "Python", checkPython],
  ["packages", "Packages", checkPackages],
  ["run_directory", "Run directory", checkRunDirectory],
  ["disk", "Disk", checkDisk],
  ["database", "Database", checkDatabase],
  ["locks", "Locks", checkLocks],
  ["port", "Port", checkPort],
  ["clock", "Clock", checkClock],
];

export interface Diagnosis {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

/** Look at everything. `onLook` is told what is being looked at. */
export async function diagnose(subject: Subject, onLook: (title: string) => void = () => undefined): Promise<Diagnosis> {
  const checks: Check[] = [];
  for (const [name, title, look] of CHECKS) {
    onLook(title);
    try {
      checks.push(await look(subject));
    } catch (error) {
      const finding = problem(`It could not be looked at: ${reasonOf(error)}.`, "Run it again; if it stays so, save the diagnostics and report it.");
      checks.push({ name, title, looked: title.toLowerCase(), findings: [finding] });
    }
  }
  return { verdict: worst(checks.map(verdictOf)), checks };
}

/** What can be put right without a risk. */
export const repairsOf = ({ checks }: Diagnosis): Repair[] => checks.flatMap(({ findings }) => findings.flatMap(({ repair }) => repair ?? []));

export interface Repaired {
  readonly does: string;
  /** Why it could not be done; null when it was. */
  readonly failed: string | null;
}

/** Put right what can be. One that fails does not keep the others from being tried. */
export const repair = (diagnosis: Diagnosis): Repaired[] =>
  repairsOf(diagnosis).map(({ does, perform }) => {
    try {
      perform();
      return { does, failed: null };
    } catch (error) {
      return { does, failed: reasonOf(error) };
    }
  });

/** The diagnosis for programs: what `tino doctor --json` prints. */
export const diagnosisJson = ({ verdict, checks }: Diagnosis) => ({
  verdict,
  checks: checks.map((check) => ({
    name: check.name,
    title: check.title,
    verdict: verdictOf(check),
    looked: check.looked,
    findings: check.findings.map(({ repair: possible, ...finding }) => ({ ...finding, repairable: possible !== null })),
  })),
});

/** It all in one sentence. */
export function summaryOf(diagnosis: Diagnosis): string {
  const verdicts = diagnosis.checks.flatMap(({ findings }) => findings.map(({ verdict }) => verdict));
  const number = (wanted: Verdict) => verdicts.filter((verdict) => verdict === wanted).length;
  const parts = [
    ...(number("problem") > 0 ? [count(number("problem"), "problem")] : []),
    ...(number("warning") > 0 ? [count(number("warning"), "warning")] : []),
  ];
  return parts.length === 0 ? "Everything is in order." : `${parts.join(", ")}.`;
}
