/** What set-up decides, and how it fails and recovers, with every program it runs scripted. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describe as describeError, EXIT } from "#contracts";
import { Checkout } from "./checkout.ts";

const ALL = ["npm ci", "uv venv", "uv pip sync", "warm", "build"];

async function ready(...args: string[]): Promise<Checkout> {
  const checkout = new Checkout();
  const done = await checkout.ensure(...args);
  expect(done, done.stderr).toMatchObject({ code: 0, stdout: "" });
  checkout.asked();
  return checkout;
}

/** The two lines every failure begins with, in the words of the catalogue. */
function said(step: string, reason: string, hint: string): string {
  const { message, hint: advice } = describeError("setup_failed", { step, reason, hint });
  return `${message}\n${advice}`;
}

describe("a fresh checkout", () => {
  it("gets everything once, and nothing the second time", async () => {
    const checkout = new Checkout();
    expect(await checkout.ensure()).toMatchObject({ code: 0, stdout: "" });
    expect(checkout.asked()).toEqual(ALL);
    expect(await checkout.ensure()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(checkout.asked()).toEqual([]);
  });

  it("gets a second environment for development", async () => {
    const checkout = new Checkout();
    expect(await checkout.ensure("--dev", "--no-build")).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(["npm ci", "uv venv", "uv pip sync", "warm", "uv venv", "uv pip sync"]);
    expect(readFileSync(join(checkout.root, "engine/.venv-dev/lib/python3.13/site-packages/tino.pth"), "utf8")).toBe(`${checkout.root}/engine\n`);
  });

  it("takes npm packages as they are when they agree with the lock", async () => {
    const checkout = new Checkout();
    checkout.write("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/left": { version: "1.0.0", integrity: "sha512-a" } } }));
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).not.toContain("npm ci");
  });

  it.each([
    ["another version", { "node_modules/left": { version: "1.0.1", integrity: "sha512-a" } }],
    ["another content", { "node_modules/left": { version: "1.0.0", integrity: "sha512-b" } }],
    ["one too many", { "node_modules/left": { version: "1.0.0", integrity: "sha512-a" }, "node_modules/right": { version: "1.0.0", integrity: "sha512-c" } }],
    ["one too few", {}],
  ])("installs npm packages again when they do not agree: %s", async (_, packages) => {
    const checkout = new Checkout();
    checkout.write("node_modules/.package-lock.json", JSON.stringify({ packages }));
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toContain("npm ci");
  });
});

describe("a checkout in order does only what a change asks for", () => {
  it.each<[string, (checkout: Checkout) => void, string[]]>([
    ["another npm lock", (checkout) => checkout.write("package-lock.json", JSON.stringify({ packages: { "": {} } })), ["npm ci", "build"]],
    ["another Python lock", (checkout) => checkout.write("engine/requirements.lock", "alpha==1.1\n"), ["uv pip sync", "warm"]],
    ["another source", (checkout) => checkout.write("contracts/index.ts", "export const a = 1;\n"), ["build"]],
    ["a new source", (checkout) => checkout.write("webview/pages/Page.tsx", "export {};\n"), ["build"]],
    ["a source's test", (checkout) => checkout.write("contracts/index.test.ts", "export {};\n"), []],
    ["npm packages deleted", (checkout) => checkout.delete("node_modules"), ["npm ci"]],
    ["the environment deleted", (checkout) => checkout.delete("engine/.venv"), ["uv venv", "uv pip sync", "warm"]],
    ["its interpreter gone", (checkout) => checkout.delete("engine/.venv/bin/python"), ["uv venv", "uv pip sync", "warm"]],
    ["the build deleted", (checkout) => checkout.delete("dist"), ["build"]],
  ])("%s", async (_, change, expected) => {
    const checkout = await ready();
    change(checkout);
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(expected);
  });

  it("makes the environments again when the folder was moved", async () => {
    const checkout = await ready();
    const moved = new Checkout();
    cpSync(checkout.root, moved.root, { recursive: true });
    expect(await moved.ensure()).toMatchObject({ code: 0 });
    expect(moved.asked()).toEqual(["uv venv", "uv pip sync", "warm"]);
  });
});

describe("programs", () => {
  it("says which Node is needed", async () => {
    const checkout = new Checkout();
    checkout.write("package.json", JSON.stringify({ engines: { node: ">=99.0.0" } }));
    const done = await checkout.ensure();
    expect(done.code).toBe(EXIT.setup);
    expect(done.stderr).toBe(
      `${said("Node.js", `this is version ${process.versions.node}, tino needs 99.0.0 or newer`, "Install a newer Node.js, then run the command again.")}\n`,
    );
  });

  it("fetches uv by pip when the one on PATH is too old, past shims that do not run", async () => {
    const checkout = new Checkout();
    checkout.onPath("python3", "shim");
    checkout.onPath("python", "old-python");
    writeFileSync(join(checkout.fakes, "uv-version"), "0.1.0");
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toContain("pip install");
    checkout.delete("engine/.venv");
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).not.toContain("pip install");
  });

  it("says what to install when there is neither uv nor pip", async () => {
    const checkout = new Checkout();
    checkout.onPath("uv", null);
    const done = await checkout.ensure();
    expect(done.code).toBe(EXIT.setup);
    expect(done.stderr).toContain("Set-up stopped at “Python packages”: there is neither uv nor a Python with pip.\nInstall uv, or a Python 3 with pip");
  });

  it.each<[string, Record<string, string>, Record<string, string>, string[]]>([
    ["TINO_PYTHON", {}, { "mine/python": "suitable-python" }, []],
    ["pyenv's versions, though its shim does not run", { "python3.13": "shim" }, { ".pyenv/versions/3.13.1/bin/python": "suitable-python" }, []],
    ["python3 on PATH", { python3: "suitable-python" }, {}, []],
    ["the one that uv fetches", {}, {}, ["uv python find", "uv python install", "uv python find"]],
  ])("finds Python 3.13: %s", async (name, onPath, placed, expected) => {
    const checkout = new Checkout();
    checkout.onPath("python3.13", null);
    for (const [program, fake] of Object.entries(onPath)) checkout.onPath(program, fake);
    for (const [path, fake] of Object.entries(placed)) checkout.place(path, fake);
    if (name === "TINO_PYTHON") checkout.env.TINO_PYTHON = join(checkout.top, "mine/python");
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked().filter((line) => line.startsWith("uv python"))).toEqual(expected);
  });

  it("does not look further when TINO_PYTHON is wrong", async () => {
    const checkout = new Checkout();
    checkout.env.TINO_PYTHON = "/nowhere/python";
    const done = await checkout.ensure();
    expect(done.code).toBe(EXIT.setup);
    expect(done.stderr).toContain("TINO_PYTHON (/nowhere/python) is not a Python 3.13");
  });

  it("says in one line what to install when there is no Python 3.13 and none can be fetched", async () => {
    const checkout = new Checkout();
    checkout.onPath("python3.13", null);
    checkout.behave("python-install", "error: Request failed\n  Caused by: dns error: failed to lookup address information");
    const done = await checkout.ensure();
    expect(done.code).toBe(EXIT.setup);
    expect(done.stderr).toContain(
      said(
        "Python packages",
        "there is no Python 3.13 here, and fetching one did not work (uv could not reach its server)",
        "Install Python 3.13, or set TINO_PYTHON to one; behind a mirror, set UV_PYTHON_INSTALL_MIRROR. Then run the command again.",
      ),
    );
    checkout.behave("python-install", null);
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
  });
});

describe("a failure is told, and the next run repairs it", () => {
  it.each<[string, string, string, string]>([
    ["npm", "npm error code ENOTFOUND\nnpm error network request failed", "npm packages", "npm could not reach its server"],
    [
      "npm",
      "npm error code EINTEGRITY\nnpm error sha512-x integrity checksum failed",
      "npm packages",
      "the download of a package does not have the recorded sha256",
    ],
    ["npm", "npm error code EUSAGE\nnpm error Missing: left@2 from lock file", "npm packages", "package.json and package-lock.json do not belong together"],
    [
      "sync",
      "  × Failed to download `alpha==1.0`\n  ╰─▶ Hash mismatch for `alpha==1.0`",
      "Python packages",
      "the download of alpha==1.0 does not have the recorded sha256",
    ],
    ["sync", "error: write failed: No space left on device (os error 28)", "Python packages", "the disk is full"],
    ["sync", "error: invalid peer certificate: UnknownIssuer", "Python packages", "uv does not trust the certificate of its server"],
    ["sync", "  × No solution found\n  ╰─▶ something else.", "Python packages", "uv failed: something else"],
    ["venv", "error: broken", "Python packages", "uv failed: broken"],
    ["warm", "Traceback: no module", "Python packages", "the engine's packages are installed and do not load"],
    ["build", "extension/extension.ts:1:1: error: oops", "build", "the sources do not build"],
  ])("%s: %s", async (fake, text, step, reason) => {
    const checkout = new Checkout();
    checkout.behave(fake, text);
    const done = await checkout.ensure();
    expect(done.code).toBe(EXIT.setup);
    expect(done.stdout).toBe("");
    expect(done.stderr).toContain(`Set-up stopped at “${step}”: ${reason}.\n`);
    expect(done.stderr).toContain(text.split("\n").at(-1)?.trim());
    expect(done.stderr).not.toMatch(/\.mjs:\d+/);

    checkout.behave(fake, null);
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(await checkout.ensure()).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("names what pip does not find", async () => {
    const checkout = new Checkout();
    checkout.onPath("uv", null);
    checkout.onPath("python3", "old-python");
    checkout.behave("pip", "ERROR: No matching distribution found for uv==1.0");
    expect((await checkout.ensure()).stderr).toContain(
      "Set-up stopped at “Python packages”: pip finds no uv==1.0 for this machine.\nCheck the network and the package index",
    );
  });

  it("makes an environment from nothing when installing into it stopped half way", async () => {
    const checkout = new Checkout();
    checkout.behave("sync", "error: connection reset");
    expect(await checkout.ensure()).toMatchObject({ code: EXIT.setup });
    checkout.write("engine/.venv/lib/python3.13/site-packages/half/__init__.py", "");
    checkout.asked();
    checkout.behave("sync", null);
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(["uv venv", "uv pip sync", "warm", "build"]);
    expect(checkout.has("engine/.venv/lib/python3.13/site-packages/half")).toBe(false);
  });

  it("keeps the sources' own error, and does not mark the build as done", async () => {
    const checkout = new Checkout();
    checkout.behave("build", 'webview/app.tsx:3:7: Expected ">"');
    expect((await checkout.ensure()).stderr).toContain('webview/app.tsx:3:7: Expected ">"');
    checkout.asked();
    expect(await checkout.ensure()).toMatchObject({ code: EXIT.setup });
    expect(checkout.asked()).toEqual(["build"]);
  });
});

describe("interrupted", () => {
  it.each<[NodeJS.Signals, number]>([
    ["SIGINT", EXIT.cancelled],
    ["SIGTERM", 143],
  ])("%s ends what runs and gives the turn back", async (signal, code) => {
    const checkout = new Checkout();
    checkout.behave("npm", "wait");
    const setup = checkout.start();
    await checkout.wasAsked("npm ci");
    setup.child.kill(signal);
    expect(await setup.ended).toMatchObject({ code });
    expect(checkout.has(".setup/turn.lock")).toBe(false);
    checkout.behave("npm", null);
    checkout.asked();
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(ALL);
  });

  it("killed while installing: the next run takes the turn and starts that step again", async () => {
    const checkout = new Checkout();
    checkout.behave("sync", "wait");
    const setup = checkout.start();
    await checkout.wasAsked("uv pip sync");
    setup.child.kill("SIGKILL");
    checkout.behave("sync", null);
    await setup.ended;
    expect(checkout.has(".setup/turn.lock")).toBe(true);
    checkout.asked();
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(["uv venv", "uv pip sync", "warm", "build"]);
  });
});

describe("two at once", () => {
  it("take turns, and the second one finds nothing to do", async () => {
    const checkout = new Checkout();
    checkout.behave("npm", "wait");
    const first = checkout.start();
    await checkout.wasAsked("npm ci");
    const second = checkout.start();
    await second.said(`waiting for another set-up, process ${first.child.pid}`);
    checkout.behave("npm", null);
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(ALL);
  });

  it("eight at once do the work once", async () => {
    const checkout = new Checkout();
    const all = await Promise.all(Array.from({ length: 8 }, () => checkout.ensure()));
    expect(all.map(({ code }) => code)).toEqual(Array(8).fill(0));
    expect(checkout.asked()).toEqual(ALL);
  });

  it.each<[string, () => unknown]>([
    ["a process that is gone", () => ({ pid: 2 ** 22 + 1, startId: null })],
    ["a process id that another process has now", () => ({ pid: process.pid, startId: "1" })],
  ])("a turn left by %s is taken over", async (_, holder) => {
    const checkout = new Checkout();
    checkout.write(".setup/turn.lock", JSON.stringify(holder()));
    expect(await checkout.ensure()).toMatchObject({ code: 0 });
    expect(checkout.asked()).toEqual(ALL);
  });
});

it("refuses options that it does not know", async () => {
  const checkout = new Checkout();
  const done = await checkout.ensure("--fast");
  expect(done.code).toBe(EXIT.usage);
  expect(done.stderr).toContain("--no-build");
});
