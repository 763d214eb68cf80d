/** Engines and their floor, started and ended for a row. Everything lives in a temporary home and is ended by its id. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { EngineLink } from "../extension/client/engineLink.ts";
import type { Connection } from "../extension/supervisor/discovery.ts";
import { getPython, locateInstallation } from "../extension/supervisor/locate.ts";
import { Rig, ROOT } from "../test/rig.ts";

export { ROOT };

/** Do something with a home of its own; whatever was started in it is gone afterwards. */
export async function withHome<T>(work: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = new Rig({ engine: "real" });
  try {
    return await work(rig);
  } finally {
    await rig.close();
  }
}

/** A client of this process, connected; it starts the engine when there is none. */
export async function connect(rig: Rig, trustedFolders: readonly string[] = []): Promise<EngineLink> {
  const link = new EngineLink({ place: rig.place(), kind: "cli", workspace: null, trustedFolders });
  await link.connect();
  return link;
}

/** Modules of other people's packages that the engine has loaded when it is healthy, in the order in which it loads them. */
export function thirdPartyModules(python: string): string[] {
  const code = `
import sys
import tino_engine.supervision.handshake, tino_engine.api.app, tino_engine.engine
print(*[name for name, module in sys.modules.items() if "site-packages" in (getattr(module, "__file__", None) or "")], sep="\\n")`;
  return execFileSync(python, ["-I", "-c", code], { encoding: "utf8" }).trim().split("\n");
}

export interface Floor {
  readonly process: ChildProcess;
  readonly end: () => Promise<void>;
}

/** Start the floor process; resolves when its route has answered. */
export async function startFloor(python: string, modules: readonly string[]): Promise<Floor> {
  const child = spawn(python, ["-I", join(ROOT, "bench", "floor.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  child.stdin.end(modules.join("\n"));
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    await answers(Number(line.split(" ")[1]));
    return { process: child, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** One request on a fresh connection; the kernel queues it until somebody answers. */
export function answers(port: number, path = "/"): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => response.resume().on("end", () => resolve())).on("error", reject);
  });
}

export const python = (): string => getPython(locateInstallation(ROOT));

/** Resident memory of a process in bytes. */
export function memoryOf(pid: number): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).trim()) * 1024;
}

export type { Connection };
