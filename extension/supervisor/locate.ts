/** Which engine to run: the folder of the program, its Python, the built pages. Everything can be overridden for tests. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { TinoError } from "#contracts/catalogue";
import type { Environment } from "./paths.ts";

/** What is installed, whether or not it is complete. */
export interface Installation {
  /** Folder with tino's `package.json`. */
  readonly root: string;
  readonly version: string;
  /** Folder that holds `tino_engine`. */
  readonly engineDirectory: string;
  /** Folder of the built pages, null when there are none. */
  readonly dashboard: string | null;
}

/**
 * Find the installation that a running file belongs to: the nearest folder upwards whose `package.json` says `tino`.
 * `TINO_ENGINE_DIR` and `TINO_DASHBOARD_DIST` override its parts.
 * @throws engine_not_installed when no such folder is found
 */
export function locateInstallation(from: string, env: Environment = process.env): Installation {
  const { root, version } = findRoot(from);
  const dashboard = env.TINO_DASHBOARD_DIST || join(root, "dist", "webview");
  return {
    root,
    version,
    engineDirectory: env.TINO_ENGINE_DIR || join(root, "engine"),
    dashboard: existsSync(join(dashboard, "index.html")) ? dashboard : null,
  };
}

/** The interpreter with the engine's packages: the packaged one if there is one, else the checkout's. @throws engine_not_installed */
export function getPython(installation: Installation, platform: NodeJS.Platform = process.platform): string {
  const { engineDirectory } = installation;
  const environment = platform === "win32" ? join(engineDirectory, ".venv", "Scripts", "python.exe") : join(engineDirectory, ".venv", "bin", "python");
  const packaged =
    platform === "win32" ? join(engineDirectory, ".packaged", "python", "python.exe") : join(engineDirectory, ".packaged", "python", "bin", "python3");
  const python = [packaged, environment].find((path) => existsSync(path));
  if (!python) throw TinoError.of("engine_not_installed", { path: environment });
  return python;
}

function findRoot(from: string): { root: string; version: string } {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = readPackage(join(folder, "package.json"));
    if (found?.name === "tino") return { root: folder, version: found.version ?? "0.0.0" };
    if (folder === dirname(folder)) throw TinoError.of("engine_not_installed", { path: join(from, "package.json") });
  }
}

function readPackage(path: string): { name?: string; version?: string } | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null; // No file here, or another program's broken one: the search goes on upwards.
  }
}
