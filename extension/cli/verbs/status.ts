/**
 * Who runs, on what, for whom. Starts nothing and takes no lease, so asking changes nothing. On the way to the answer no schema is
 * loaded: the engine proved itself, and this verb has to come back faster than one can look.
 */
import type { EngineStatus, ErrorBody } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { PROTOCOL } from "#contracts/handshake";
import { type Connection, findEngine, otherVersion } from "../../supervisor/discovery.ts";
import { listClients } from "../../supervisor/lockDirectory.ts";
import { LoopbackError, requestLoopback } from "../../supervisor/loopback.ts";
import type { Place } from "../../supervisor/place.ts";
import { clientName } from "../format.ts";

/** `problem`: something is recorded or answers, but is not usable as the engine. */
export interface StatusReply {
  readonly running: boolean;
  readonly engine: EngineStatus | null;
  readonly problem: ErrorBody | null;
}

const TIMEOUT_MS = 5_000;

export async function status(place: Place): Promise<StatusReply> {
  const finding = await findEngine(place);
  switch (finding.kind) {
    case "none":
    case "stale":
      return { running: false, engine: null, problem: null };
    case "refused":
      return problem(TinoError.of("engine_stopping"));
    case "silent":
      return problem(TinoError.of("engine_unreachable", { pid: finding.info.pid }));
    case "impostor":
      return problem(TinoError.of("engine_impostor", { port: finding.info.port, path: place.paths.engineInfo }));
    case "running":
      return ask(place, finding.connection);
  }
}

async function ask(place: Place, connection: Connection): Promise<StatusReply> {
  const { port, token, pid, protocol } = connection;
  // Another version's answer may have another shape: what it is stands in its proof, who uses it in the lock files.
  if (protocol !== PROTOCOL) return problem(otherVersion(connection, describeUse(place)), true);
  try {
    const answer = await requestLoopback({ port, token, method: "GET", path: "/api/engine", timeoutMs: TIMEOUT_MS });
    if (answer.status !== 200) return problem(TinoError.of("engine_unreachable", { pid }));
    return { running: true, engine: JSON.parse(answer.body.toString("utf8")), problem: null };
  } catch (error) {
    if (!(error instanceof LoopbackError)) throw error;
    return problem(error.reason === "timeout" ? TinoError.of("engine_unreachable", { pid }) : TinoError.of("engine_stopping"));
  }
}

function describeUse({ paths, processes }: Place): string {
  const users = listClients(paths, processes).map(clientName);
  return users.length > 0 ? `It is used by ${users.join(", ")}.` : "No window, terminal or trader uses it.";
}

const problem = (error: TinoError, running = false): StatusReply => ({ running, engine: null, problem: error.body });
