/** The interpreter of the engine, and its packages against the lock. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Check, count, type Finding, ok, problem, reasonOf, warning } from "./check.ts";
import { reinstall, type Subject } from "./subject.ts";

/** What the engine is written for; see `requires-python` in engine/pyproject.toml. */
const PYTHON = /^3\.13\./;
const NAMED = 5;

export async function checkPython(subject: Subject): Promise<Check> {
  const { installation } = subject.place;
  const inspected = await subject.inspect();
  const looked = (inspected.ok ? inspected.inspection.executable : inspected.python) ?? join(installation.engineDirectory, ".venv");
  const about = { name: "python", title: "Python", looked };
  if (!inspected.ok) {
    const text = inspected.python === null ? inspected.reason : `It does not run the engine: ${inspected.reason}${/[.!?]$/.test(inspected.reason) ? "" : "."}`;
    return { ...about, findings: [problem(text, reinstall(subject.place))] };
  }
  const { python } = inspected.inspection;
  const finding = PYTHON.test(python) ? ok(python) : problem(`It is ${python}; the engine needs 3.13.`, reinstall(subject.place));
  return { ...about, findings: [finding] };
}

export async function checkPackages(subject: Subject): Promise<Check> {
  const { installation } = subject.place;
  const path = join(installation.engineDirectory, "requirements.lock");
  const about = { name: "packages", title: "Packages", looked: `what is installed, against ${path}` };
  const inspected = await subject.inspect();
  if (!inspected.ok) return { ...about, findings: [warning("Not looked at, because Python does not answer.", "See “Python”.")] };
  let lock: string;
  try {
    lock = readFileSync(path, "utf8");
  } catch (error) {
    return { ...about, findings: [problem(`The lock cannot be read: ${reasonOf(error)}.`, reinstall(subject.place))] };
  }
  const { total, missing, other } = compareWithLock(lock, inspected.inspection.packages);
  const findings: Finding[] = [];
  if (missing.length > 0) findings.push(problem(`${count(missing.length, "package")} missing: ${some(missing)}.`, reinstall(subject.place)));
  if (other.length > 0) findings.push(problem(`${count(other.length, "package")} of another version: ${some(other)}.`, reinstall(subject.place)));
  return { ...about, findings: findings.length > 0 ? findings : [ok(`${total} as the lock names them`)] };
}

export interface Comparison {
  /** Packages that this machine needs of the lock. */
  readonly total: number;
  readonly missing: readonly string[];
  readonly other: readonly string[];
}

/**
 * Installed packages against the text of `requirements.lock`. A line with a condition (`; sys_platform == …`) may be another
 * platform's: its package may be missing, but not of another version.
 */
export function compareWithLock(lock: string, packages: Readonly<Record<string, string>>): Comparison {
  const installed = new Map(Object.entries(packages).map(([name, version]) => [normalised(name), version]));
  const missing: string[] = [];
  const other: string[] = [];
  let total = 0;
  for (const [, name = "", version, condition] of lock.matchAll(/^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)[ ]*(;[^\\\n]*)?/gm)) {
    const found = installed.get(normalised(name));
    if (found === undefined && condition) continue;
    total += 1;
    if (found === undefined) missing.push(name);
    else if (found !== version) other.push(`${name} ${found} instead of ${version}`);
  }
  return { total, missing, other };
}

/** Names are the same whatever their case and whichever of `-`, `_` and `.` they use (PEP 503). */
const normalised = (name: string): string => name.replace(/[-_.]+/g, "-").toLowerCase();

const some = (names: readonly string[]): string =>
  names.length <= NAMED ? names.join(", ") : `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more`;
