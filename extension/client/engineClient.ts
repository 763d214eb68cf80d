/**
 * Typed calls to the engine: names, arguments and replies come from the call table in `contracts/api.ts`, replies are checked,
 * failures are errors of the catalogue. One client belongs to one connection, so to one start of the engine.
 */
import { Agent } from "node:http";
import type { z } from "zod";
import { CALLS, type Call, type CallArgs, type CallName, type CallReply, CLIENT_HEADER, callUrl, ErrorBody, TinoError } from "#contracts";
import type { Connection } from "../supervisor/discovery.ts";
import { type LoopbackAnswer, LoopbackError, requestLoopback } from "../supervisor/loopback.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Until the whole reply is there. */
  readonly timeoutMs?: number;
}

/** Arguments may be left out where the call needs none. */
export type CallRest<N extends CallName> =
  Record<never, never> extends CallArgs<N> ? [args?: CallArgs<N>, options?: CallOptions] : [args: CallArgs<N>, options?: CallOptions];

const TIMEOUT_MS = 60_000;
/** Below the five seconds after which the engine's server closes an idle connection, so that we close first. */
const IDLE_CONNECTION_MS = 4_000;

export class EngineClient {
  readonly connection: Connection;
  readonly #nonce: string | null;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 6, timeout: IDLE_CONNECTION_MS });

  /** `nonce` is that of our lease: the engine then knows whose run it starts. */
  constructor(connection: Connection, nonce: string | null) {
    this.connection = connection;
    this.#nonce = nonce;
  }

  /**
   * Make one call.
   * @throws TinoError as the engine words it; engine_not_running when nobody listens any more, engine_unreachable when no answer
   *   comes; the signal's reason when aborted
   */
  async call<N extends CallName>(name: N, ...[args, options]: CallRest<N>): Promise<CallReply<N>> {
    const call: Call = CALLS[name];
    const { path, query, body } = (args ?? {}) as { path?: Record<string, string>; query?: Record<string, unknown>; body?: unknown };
    const answer = await this.#send(call, callUrl(call, path, query), call.body ? (body ?? {}) : undefined, options ?? {});
    if (answer.status >= 300) throw readFailure(answer, this.connection.logPath);
    // The one place where the table's type meets the wire: what `reply` accepts is what `CallReply` says.
    if (typeof call.reply === "string") return ownBytes(answer.body) as CallReply<N>;
    return readReply(name, call.reply, answer, this.connection.logPath) as CallReply<N>;
  }

  /** Close idle connections. Calls under way go on. */
  close(): void {
    this.#agent.destroy();
  }

  async #send(call: Call, path: string, body: unknown, { signal, timeoutMs = TIMEOUT_MS }: CallOptions): Promise<LoopbackAnswer> {
    const { port, token, pid } = this.connection;
    const headers: Record<string, string> = this.#nonce ? { [CLIENT_HEADER]: this.#nonce } : {};
    const request = { port, token, method: call.method, path, headers, body, timeoutMs, agent: this.#agent, ...(signal && { signal }) };
    try {
      return await requestLoopback(request).catch((error) => {
        // The engine closed the idle connection in the instant we used it, before it saw anything of the request.
        if (error instanceof LoopbackError && error.reason === "reset" && error.reusedConnection && call.method === "GET") return requestLoopback(request);
        throw error;
      });
    } catch (error) {
      if (!(error instanceof LoopbackError)) throw error;
      throw error.reason === "refused"
        ? TinoError.of("engine_not_running", {}, { cause: error })
        : TinoError.of("engine_unreachable", { pid }, { cause: error });
    }
  }
}

function readFailure(answer: LoopbackAnswer, log: string): TinoError {
  const body = ErrorBody.safeParse(parseJson(answer.body));
  return body.success ? new TinoError(body.data) : TinoError.of("internal", { reference: `HTTP ${answer.status}`, log });
}

function readReply(name: string, schema: z.ZodType, answer: LoopbackAnswer, log: string): unknown {
  const reply = schema.safeParse(parseJson(answer.body));
  if (reply.success) return reply.data;
  const at = reply.error.issues[0];
  throw TinoError.of("internal", { reference: `reply of ${name}: ${at?.path.join(".")} ${at?.message}`, log }, { cause: reply.error });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined; // Not JSON; the schema then refuses it with its reason.
  }
}

/** A small answer is a slice of Node's shared pool; Arrow readers take whole buffers. */
function ownBytes(body: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(body);
}
