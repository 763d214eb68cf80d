/**
 * `npm run lock`: writes the Python locks from `engine/pyproject.toml`, and the hashes of the pinned uv. Versions stay as they are unless the
 * project asks for others; `-- --upgrade` takes the newest that it allows, `-- --uv 0.13.9` pins another uv.
 *
 * The locks hold versions and hashes and name no host, so that an index, a mirror and a folder of wheels all do.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Progress } from "./setup/progress.mjs";
import { PYTHON } from "./setup/python.mjs";
import { ensureUv } from "./setup/uv.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const engine = join(root, "engine");
const { values } = parseArgs({ options: { upgrade: { type: "boolean" }, uv: { type: "string" } } });
const { uv, env } = await ensureUv(root, new Progress());

const common = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--python-version", PYTHON];
const upgrade = values.upgrade ? ["--upgrade"] : [];

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function compile(args, cwd) {
  const { status } = spawnSync(uv, [...common, ...args], {
    cwd,
    env: { ...env, UV_CUSTOM_COMPILE_COMMAND: "npm run lock" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) process.exit(1);
}

compile([...upgrade, "pyproject.toml", "-o", "requirements.lock"], engine);
compile([...upgrade, "pyproject.toml", "--group", "dev", "-c", "requirements.lock", "--override", "dev-overrides.txt", "-o", "dev-requirements.lock"], engine);

const pinned = join(root, "scripts", "uv-requirements.txt");
const version = values.uv ?? /^uv==(\S+)/m.exec(readFileSync(pinned, "utf8"))?.[1];
const folder = mkdtempSync(join(tmpdir(), "tino-lock-"));
writeFileSync(join(folder, "uv.in"), `uv==${version}\n`);
compile(["--no-header", "--no-annotate", "uv.in", "-o", pinned], folder);
rmSync(folder, { recursive: true });
