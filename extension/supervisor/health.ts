/**
 * Who answers on the engine's port.
 *
 * A port is no identity: after a crash anybody may listen there, and a service that copies `/api/health` word for word is
 * easily written. So the client sends a fresh nonce and the engine answers with an HMAC over it, keyed with the token that lies
 * in the private run directory. Only who can read that file can answer; only after the answer is checked is the token sent.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { Health } from "#contracts";
import { healthChallenge } from "#contracts/handshake";
import { LoopbackError, requestLoopback } from "./loopback.ts";
import type { Paths } from "./paths.ts";

export const HEALTH_TIMEOUT_MS = 2_000;

export type Probe =
  /** It proved that it holds the token. */
  | { readonly kind: "engine"; readonly health: Health; readonly token: string }
  /** Nobody listens. */
  | { readonly kind: "refused" }
  /** Somebody listens and says nothing in time. */
  | { readonly kind: "silent" }
  /** Somebody answers who cannot prove to be the engine. */
  | { readonly kind: "impostor" };

/** Ask the port for its proof. The token is read from its file and never leaves this process. */
export async function probeHealth(paths: Paths, port: number, timeoutMs = HEALTH_TIMEOUT_MS, signal?: AbortSignal): Promise<Probe> {
  const nonce = randomBytes(16).toString("hex");
  let body: Buffer;
  try {
    const answer = await requestLoopback({ port, method: "GET", path: `/api/health?nonce=${nonce}`, timeoutMs, ...(signal && { signal }) });
    if (answer.status !== 200) return { kind: "impostor" };
    body = answer.body;
  } catch (error) {
    if (!(error instanceof LoopbackError)) throw error;
    // An HTTP client's parse error is somebody else's protocol; a connection cut off is an engine that is just ending.
    if (error.reason === "reset" && isParseError(error.cause)) return { kind: "impostor" };
    return { kind: error.reason === "timeout" ? "silent" : "refused" };
  }
  const health = parseHealth(body);
  // Read after the answer: an engine that has just replaced another wrote its token before it could answer.
  const token = readToken(paths);
  if (!health || !token || health.port !== port || !proves(health, nonce, token)) return { kind: "impostor" };
  return { kind: "engine", health, token };
}

/**
 * The bearer token of the running engine, null when there is none. A file that somebody else wrote, may read or has put a link in the
 * place of is none: who knows the token can prove anything.
 */
function readToken(paths: Paths): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(paths.engineToken, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch {
    return null; // Written by the engine while it starts; its absence is an answer.
  }
  try {
    const { uid, mode } = fstatSync(descriptor);
    if (process.geteuid && (uid !== process.geteuid() || mode & 0o077)) return null;
    const token = readFileSync(descriptor, "ascii").trim();
    return /^[0-9a-f]{64}$/.test(token) ? token : null;
  } finally {
    closeSync(descriptor);
  }
}

function proves(health: Health, nonce: string, token: string): boolean {
  const expected = createHmac("sha256", token)
    .update(healthChallenge(nonce, health.pid, health.port, health.instance))
    .digest();
  const given = Buffer.from(health.proof ?? "", "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/**
 * By hand and not by the schema in `#contracts`, so that `tino status` need not load zod; `health.test.ts` holds both to the
 * same verdict.
 */
export function parseHealth(body: Buffer): Health | null {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const { service, status, pid, port, instance, protocol, version, proof } = found;
  const whole = (value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): value is number =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
  const hex = (value: unknown, digits: number): value is string => typeof value === "string" && value.length === digits && /^[0-9a-f]*$/.test(value);
  if (service !== "tino" || (status !== "starting" && status !== "healthy" && status !== "stopping")) return null;
  if (!whole(pid, 1) || !whole(port, 1, 65535) || !whole(protocol, Number.MIN_SAFE_INTEGER) || typeof version !== "string") return null;
  if (!hex(instance, 32) || !(proof === null || hex(proof, 64))) return null;
  return { service, status, pid, port, instance, protocol, version, proof };
}

const isParseError = (cause: unknown): boolean => String((cause as NodeJS.ErrnoException | undefined)?.code).startsWith("HPE_");
