/**
 * Runs checks by name and counts what passed: `node scripts/check.mjs vitest pytest`. Without names, all that need no browser.
 *
 * Every check runs even when an earlier one failed, is set up by itself, and keeps its output in `test-results`. The last line is always
 * `N passed, N failed`; the exit code says whether anything failed. A skipped test counts as failed: it is one that nobody runs.
 */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const results = join(root, "test-results");
const require = createRequire(import.meta.url);
/** A check that runs longer hangs; its processes are ended, so that the others still get their turn. */
const LONGEST_MS = 20 * 60_000;
const LINES_OF_A_FAILURE = 6;

/**
 * @typedef {{ passed: number, failed: number, failures?: string[] }} Count What failed: each with its name and the first lines of why.
 * @typedef {object} Check
 * @property {string[]} setup Options for ensure.mjs.
 * @property {() => Command[]} commands Run one after the other, whatever they end with.
 * @property {() => Count} [count] From the reports that the commands left; without it the whole check counts as one.
 * @typedef {[program: string, ...args: string[]]} Command
 */

/** @type {Record<string, Check>} */
const CHECKS = {
  contracts: {
    setup: ["--dev", "--no-build"],
    commands: () => [nodeTool("tsx", "contracts/generate.ts", "--check")],
  },
  lint: {
    setup: ["--dev", "--no-build"],
    commands: () => [
      nodeTool("@biomejs/biome", "check", "--error-on-warnings"),
      engineTool("ruff", "format", "--check", "."),
      engineTool("ruff", "check", "."),
    ],
  },
  format: {
    setup: ["--dev", "--no-build"],
    commands: () => [nodeTool("@biomejs/biome", "check", "--write"), engineTool("ruff", "format", "."), engineTool("ruff", "check", "--fix", ".")],
  },
  types: {
    setup: ["--dev", "--no-build"],
    commands: () => [...rooms().map((room) => nodeTool("typescript", "--project", room)), nodeTool("pyright")],
  },
  vitest: {
    setup: ["--dev"],
    commands: () => [vitest("unit", "vitest")],
    count: () => countVitest("vitest"),
  },
  pytest: {
    setup: ["--dev", "--no-build"],
    commands: () => [
      engineTool("python", "-m", "pytest", "--rootdir", "engine", "-c", "engine/pyproject.toml", "engine/tests", `--junitxml=${join(results, "pytest.xml")}`),
    ],
    count: countPytest,
  },
  chaos: {
    setup: ["--dev"],
    commands: () => [
      // Always the same schedules, and of a size that a busy machine plays in three minutes; `npm run chaos` plays others and larger ones.
      nodeTool("tsx", "test/chaos/run.ts", "--schedules", "40", "--clients", "4", "--seed", "7", "--parallel", "4", "--output", join(results, "chaos.json")),
    ],
    count: countChaos,
  },
  pages: {
    setup: ["--dev", "--editor"],
    commands: () => [vitest("pages", "pages")],
    count: () => countVitest("pages"),
  },
  editor: {
    setup: ["--dev", "--editor"],
    commands: () => [vitest("editor", "editor")],
    count: () => countVitest("editor"),
  },
};
const ALL = ["contracts", "lint", "types", "vitest", "pytest", "chaos"];

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in CHECKS));
if (unknown.length > 0) {
  console.error(`There is no check ${unknown.join(", ")}; there are ${Object.keys(CHECKS).join(", ")}.`);
  process.exit(2);
}
mkdirSync(results, { recursive: true });
const total = { passed: 0, failed: 0 };
/** @type {string[]} */
const summary = [];
/** Said again at the end, where a log of thousands of lines is read first. @type {string[]} */
const allFailures = [];
for (const name of named.length > 0 ? named : ALL) {
  const started = Date.now();
  const { passed, failed, failures = [] } = await check(name, /** @type {Check} */ (CHECKS[name]));
  total.passed += passed;
  total.failed += failed;
  allFailures.push(...failures.map((failure) => `✗ ${name}: ${failure}\n`));
  summary.push(`${failed > 0 ? "✗" : "✓"} ${name.padEnd(10)} ${passed} passed, ${failed} failed  ${Math.round((Date.now() - started) / 1000)} s`);
}
console.log(`\n${[...allFailures, ...summary].join("\n")}\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

/**
 * @param {string} name
 * @param {Check} definition
 * @returns {Promise<Count>}
 */
async function check(name, { setup, commands, count }) {
  const log = createWriteStream(join(results, `${name}.log`));
  try {
    if (!(await run([process.execPath, join(root, "scripts", "ensure.mjs"), ...setup], log))) return { passed: 0, failed: 1 };
    for (const report of [`${name}.json`, `${name}.xml`]) rmSync(join(results, report), { force: true });
    let good = true;
    for (const command of commands()) good = (await run(command, log)) && good;
    if (!count) return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
    const counted = count();
    // A runner that stops before its first test, or after its last one, has failed too.
    return good || counted.failed > 0 ? counted : { ...counted, failed: 1 };
  } finally {
    log.end();
  }
}

/**
 * Run a command, show its output and keep it; true when it ended well.
 * @param {Command} command
 * @param {NodeJS.WritableStream} log
 * @returns {Promise<boolean>}
 */
function run([program, ...args], log) {
  return new Promise((resolve) => {
    const colour = process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: "1" } : {};
    const child = spawn(program, args, { cwd: root, env: { ...process.env, ...colour }, stdio: ["ignore", "pipe", "pipe"], timeout: LONGEST_MS });
    for (const [from, to] of /** @type {const} */ ([
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])) {
      from.on("data", (data) => {
        to.write(data);
        log.write(data);
      });
    }
    child.on("error", (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      resolve(false);
    });
    child.on("close", (status, signal) => {
      if (signal) console.error(`${program} was ended by ${signal}.`);
      resolve(status === 0);
    });
  });
}

/**
 * A program of an npm package, run by this Node.
 * @param {string} name
 * @param {string[]} args
 * @returns {Command}
 */
function nodeTool(name, ...args) {
  const manifest = join(root, "node_modules", name, "package.json");
  const { bin } = require(manifest);
  return [process.execPath, join(dirname(manifest), typeof bin === "string" ? bin : /** @type {string} */ (Object.values(bin)[0])), ...args];
}

/**
 * A program of the engine's development environment.
 * @param {string} name
 * @param {string[]} args
 * @returns {Command}
 */
function engineTool(name, ...args) {
  return [join(root, "engine", ".venv-dev", process.platform === "win32" ? "Scripts" : "bin", name), ...args];
}

/**
 * @param {string} project
 * @param {string} report
 */
function vitest(project, report) {
  return nodeTool("vitest", "run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${join(results, `${report}.json`)}`);
}

/** Folders with a TypeScript configuration of their own. */
function rooms() {
  /** @type {{ references: { path: string }[] }} */
  const { references } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  return references.map(({ path }) => path);
}

/**
 * @param {string} report
 * @returns {Count}
 */
function countVitest(report) {
  /** @type {{ numPassedTests: number, numTotalTests: number, testResults: { name: string, message: string, assertionResults: { status: string, fullName: string, failureMessages: string[] }[] }[] }} */
  const { numPassedTests, numTotalTests, testResults } = JSON.parse(readReport(`${report}.json`) || '{"numPassedTests":0,"numTotalTests":0,"testResults":[]}');
  const failures = testResults.flatMap(({ name, message, assertionResults }) => [
    ...(message ? [describe(name, message)] : []),
    ...assertionResults
      .filter(({ status }) => status !== "passed")
      .map((test) => describe(`${name} › ${test.fullName}`, test.failureMessages.join("\n") || test.status)),
  ]);
  return { passed: numPassedTests, failed: numTotalTests - numPassedTests, failures };
}

/**
 * @param {string} name
 * @param {string} why
 */
function describe(name, why) {
  const lines = why.split("\n").slice(0, LINES_OF_A_FAILURE);
  return `${name.replace(root, "")}\n${lines.map((line) => `    ${line.slice(0, 240)}`).join("\n")}`;
}

/** @returns {Count} */
function countChaos() {
  const { passed, failed } = JSON.parse(readReport("chaos.json") || '{"passed":0,"failed":0}');
  return { passed, failed };
}

/** @returns {Count} */
function countPytest() {
  const [, errors = 0, failures = 0, skipped = 0, tests = 0] = (
    /errors="(\d+)" failures="(\d+)" skipped="(\d+)" tests="(\d+)"/.exec(readReport("pytest.xml")) ?? []
  ).map(Number);
  const failed = errors + failures + skipped;
  const cases = readReport("pytest.xml").matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error|skipped) [^>]*?message="([^"]*)"/g);
  return {
    passed: tests - failed,
    failed,
    failures: [...cases].map(([, file, test, why]) => describe(`${file} › ${test}`, (why ?? "").replaceAll("&#10;", "\n"))),
  };
}

/** @param {string} name */
function readReport(name) {
  try {
    return readFileSync(join(results, name), "utf8");
  } catch {
    return "";
  }
}
