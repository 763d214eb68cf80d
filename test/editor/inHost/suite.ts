/** The tiny runner inside the extension host: tests in order, each with its time, the results in a file as they come. */
import { writeFileSync } from "node:fs";

export interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly error: string | null;
}

/** What the runner leaves; `done` is written last, since an extension host that dies is reported as a success. */
export interface Report {
  readonly version: string;
  readonly done: boolean;
  readonly results: TestResult[];
}

const tests: { name: string; body: () => Promise<void> | void }[] = [];

export function test(name: string, body: () => Promise<void> | void): void {
  tests.push({ name, body });
}

const LONGEST_MS = 60_000;

/** Run all tests. Fails when one of them does. */
export async function runAll(version: string): Promise<void> {
  const path = process.env.TINO_TEST_REPORT;
  if (!path) throw new Error("TINO_TEST_REPORT names no file for the results.");
  const results: TestResult[] = [];
  const save = (done: boolean) => writeFileSync(path, JSON.stringify({ version, done, results } satisfies Report, null, 1));
  save(false);
  for (const { name, body } of tests) {
    const started = performance.now();
    let error: string | null = null;
    try {
      await Promise.race([body(), tooLong(name)]);
    } catch (problem) {
      error = problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
    }
    results.push({ name, ok: error === null, ms: Math.round(performance.now() - started), error });
    console.log(`${error === null ? "pass" : "FAIL"} ${name}${error ? `\n${error}` : ""}`);
    save(false);
  }
  save(true);
  const failed = results.filter(({ ok }) => !ok).length;
  if (failed > 0) throw new Error(`${failed} of ${results.length} tests failed`);
}

function tooLong(name: string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`“${name}” took longer than ${LONGEST_MS / 1000} s`)), LONGEST_MS).unref();
  });
}

/** Wait for something by looking. */
export async function until<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  for (const since = performance.now(); performance.now() - since < LONGEST_MS / 2; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Waited in vain for ${what}`);
}
