/** The parts of set-up that only the real uv can prove, offline: a Python from a mirror, packages by hash from a folder of wheels. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "#contracts";
import { Progress } from "../../scripts/setup/progress.mjs";
import { ensureUv } from "../../scripts/setup/uv.mjs";
import { Checkout, repository } from "./checkout.ts";

const { uv } = await ensureUv(repository, new Progress());
const development = join(repository, "engine/.venv-dev", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

function python(program: string, code: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, ["-I", "-c", code, ...args], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** A checkout whose uv is the real one, with caches of its own, no index and no network. */
function checkoutWithUv(): Checkout {
  const checkout = new Checkout();
  checkout.onPath("uv", null);
  const own = (name: string) => join(checkout.top, name);
  Object.assign(checkout.env, {
    PATH: `${checkout.env.PATH}:${dirname(uv)}`,
    UV_OFFLINE: "1",
    UV_CACHE_DIR: own("cache"),
    UV_PYTHON_INSTALL_DIR: own("pythons"),
    UV_FIND_LINKS: own("wheels"),
  });
  mkdirSync(own("wheels"));
  checkout.write("engine/requirements.lock", "");
  return checkout;
}

describe("no Python 3.13 anywhere", () => {
  /** An archive of the shape that uv expects, whose interpreter hands over to the one that runs our tests, and a list that names it. */
  function mirror(checkout: Checkout, digest?: string): void {
    checkout.onPath("python3.13", null);
    const folder = join(checkout.top, "mirror");
    const library = join(folder, "python/lib/python3.13");
    mkdirSync(library, { recursive: true });
    mkdirSync(join(folder, "python/bin"), { recursive: true });
    const [base, data, os, machine] = python(
      development,
      "import os, platform, sys, sysconfig; print(os.path.realpath(sys._base_executable), sysconfig._get_sysconfigdata_name(), sys.platform, platform.machine())",
    ).split(" ");
    writeFileSync(join(library, `${data}.py`), "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n");
    for (const name of ["python", "python3", "python3.13"])
      writeFileSync(join(folder, "python/bin", name), `#!/bin/sh\nexec '${base}' "$@"\n`, { mode: 0o755 });
    const archive = join(folder, "python.tar.gz");
    expect(spawnSync("tar", ["czf", archive, "-C", folder, "python"]).status).toBe(0);
    const family = machine === "arm64" ? "aarch64" : machine;
    const libc = os === "linux" ? "gnu" : "none";
    const entry = {
      name: "cpython",
      arch: { family, variant: null },
      os,
      libc,
      major: 3,
      minor: 13,
      patch: 18,
      prerelease: "",
      url: `file://${archive}`,
      sha256: digest ?? sha256(archive),
      variant: null,
      build: "20261110",
    };
    writeFileSync(join(folder, "downloads.json"), JSON.stringify({ [`cpython-3.13.18-${os}-${family}-${libc}`]: entry }));
    checkout.env.UV_PYTHON_DOWNLOADS_JSON_URL = `file://${join(folder, "downloads.json")}`;
  }

  it("uv fetches one from the mirror, and the environment is made from it", async () => {
    const checkout = checkoutWithUv();
    mirror(checkout);
    const done = await checkout.ensure("--no-build");
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(python(join(checkout.root, "engine/.venv/bin/python"), "import sys; print('%d.%d' % sys.version_info[:2])")).toBe("3.13");
    expect(await checkout.ensure("--no-build")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("an archive with another sha256 is refused; with the right one the next run goes on", async () => {
    const checkout = checkoutWithUv();
    mirror(checkout, "0".repeat(64));
    const done = await checkout.ensure("--no-build");
    expect(done.code).toBe(EXIT.setup);
    expect(done.stderr).toMatch(
      /there is no Python 3\.13 here, and fetching one did not work \(the download of cpython-3\.13\.18\S* does not have the recorded sha256\)/,
    );
    expect(done.stderr).toContain("UV_PYTHON_INSTALL_MIRROR");
    mirror(checkout);
    expect(await checkout.ensure("--no-build")).toMatchObject({ code: 0 });
  });

  it("says what to install when nothing can be fetched", async () => {
    const checkout = checkoutWithUv();
    checkout.onPath("python3.13", null);
    const done = await checkout.ensure("--no-build");
    expect(done.code).toBe(EXIT.setup);
    expect(done.stderr).toMatch(/^Install Python 3\.13, or set TINO_PYTHON to one/m);
  });
});

it("a package with another hash than the lock's is refused, and nothing of it stays; the next run repairs it", async () => {
  const checkout = checkoutWithUv();
  checkout.env.TINO_PYTHON = development;
  const wheel = join(checkout.top, "wheels", "alpha-1.0-py3-none-any.whl");
  const code = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("alpha.py", "ONE = 1")
    wheel.writestr("alpha-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: alpha\\nVersion: 1.0\\n")
    wheel.writestr("alpha-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("alpha-1.0.dist-info/RECORD", "alpha.py,,\\nalpha-1.0.dist-info/METADATA,,\\nalpha-1.0.dist-info/WHEEL,,\\nalpha-1.0.dist-info/RECORD,,\\n")`;
  python(development, code, wheel);
  const lock = (digest: string) => checkout.write("engine/requirements.lock", `alpha==1.0 \\\n    --hash=sha256:${digest}\n`);
  const imports = "import importlib.util; print(importlib.util.find_spec('alpha') is not None)";

  lock("0".repeat(64));
  const done = await checkout.ensure("--no-build");
  expect(done.code).toBe(EXIT.setup);
  expect(done.stderr).toContain("Set-up stopped at “Python packages”: the download of alpha==1.0 does not have the recorded sha256.");
  expect(python(join(checkout.root, "engine/.venv/bin/python"), imports)).toBe("False");

  lock(sha256(wheel));
  expect(await checkout.ensure("--no-build")).toMatchObject({ code: 0 });
  expect(python(join(checkout.root, "engine/.venv/bin/python"), imports)).toBe("True");
});
