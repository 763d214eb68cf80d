/** Looking for the engine: what the run directory says, and whether it is true. Changes nothing. */
import { readFileSync } from "node:fs";
import type { EngineInfo, Health } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { PROTOCOL } from "#contracts/handshake";
import { HEALTH_TIMEOUT_MS, probeHealth } from "./health.ts";
import type { Paths } from "./paths.ts";
import type { Place } from "./place.ts";
import { livenessOf, type ProcessRecord } from "./processIdentity.ts";

/** A proven way to the engine. */
export interface Connection extends ProcessRecord {
  readonly port: number;
  readonly instance: string;
  readonly protocol: number;
  readonly version: string;
  readonly startedAt: number;
  readonly logPath: string;
  readonly token: string;
}

/** What there is to be found, without starting or changing anything. */
export type Finding =
  | { readonly kind: "none" }
  /** `engine.pid` names a process that is gone. */
  | { readonly kind: "stale"; readonly info: EngineInfo }
  /** Its process lives and nobody listens on its port: it is just ending. */
  | { readonly kind: "refused"; readonly info: EngineInfo }
  /** Its process lives and does not answer. */
  | { readonly kind: "silent"; readonly info: EngineInfo }
  /** Somebody else answers on its port. */
  | { readonly kind: "impostor"; readonly info: EngineInfo }
  | { readonly kind: "running"; readonly state: Health["status"]; readonly connection: Connection };

/** Look for the engine. Starts nothing, writes nothing, takes no lease: `tino status` is this. */
export async function findEngine(place: Pick<Place, "paths" | "processes">, signal?: AbortSignal, timeoutMs = HEALTH_TIMEOUT_MS): Promise<Finding> {
  const { paths, processes } = place;
  for (let attempt = 0; ; attempt += 1) {
    const info = readEngineInfo(paths);
    if (!info) return { kind: "none" };
    const liveness = livenessOf(processes, info);
    if (liveness === "dead") return { kind: "stale", info };
    const probe = await probeHealth(paths, info.port, timeoutMs, signal);
    if (probe.kind === "engine" && probe.health.instance === info.instance) {
      const { port, instance, protocol, version } = probe.health;
      const { pid, startId, bootId, startedAt, logPath } = info;
      const connection = { pid, startId, bootId, port, instance, protocol, version, startedAt, logPath, token: probe.token };
      return { kind: "running", state: probe.health.status, connection };
    }
    // Replaced while we asked: the file, the token and the port may be of different starts. One fresh look settles it.
    const replaced = probe.kind === "engine" || readEngineInfo(paths)?.instance !== info.instance;
    if (replaced && attempt < 3) continue;
    // In another PID namespace only the port could have told; without it nothing is known of the process.
    if (probe.kind === "refused") return { kind: liveness === "unknown" ? "stale" : "refused", info };
    return { kind: probe.kind === "silent" ? "silent" : "impostor", info };
  }
}

/** Why an engine of another version cannot be used. @param use a sentence on who uses it, which matters if it is older */
export function otherVersion({ pid, version, protocol }: Pick<Connection, "pid" | "version" | "protocol">, use = ""): TinoError {
  const versions = { pid, version, engine: protocol, client: PROTOCOL };
  return protocol > PROTOCOL ? TinoError.of("engine_too_new", versions) : TinoError.of("engine_too_old", { ...versions, use });
}

/** `engine.pid`, checked by hand for the same reason as health; null when it is missing or not of its form. */
export function readEngineInfo(paths: Paths): EngineInfo | null {
  try {
    const found = JSON.parse(readFileSync(paths.engineInfo, "utf8"));
    const whole = [found?.pid, found?.port, found?.startedAt, found?.protocol].every(Number.isSafeInteger);
    const text = [found?.instance, found?.version, found?.logPath, found?.pythonPath].every((value) => typeof value === "string");
    return whole && text ? { startId: null, bootId: null, ...found } : null;
  } catch {
    return null; // Absent, or on its way out.
  }
}
