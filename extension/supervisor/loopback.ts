/**
 * One HTTP request to the engine on this machine. `node:http` and not `fetch`: loading the latter costs 50 ms of each start of
 * `tino` (measured), which is more than everything else a status takes.
 */
import { type Agent, type IncomingMessage, request } from "node:http";

export const LOOPBACK = "127.0.0.1";

export interface LoopbackRequest {
  readonly port: number;
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Until the whole answer is there. */
  readonly timeoutMs: number;
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

export interface LoopbackAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Nothing came back: `refused` nobody listens, `reset` the connection broke, `timeout` no answer in time. */
export class LoopbackError extends Error {
  readonly reason: "refused" | "reset" | "timeout";
  /** The connection was an idle one that the other side may have closed in the meantime; the request was not seen. */
  readonly reusedConnection: boolean;
  constructor(reason: LoopbackError["reason"], reusedConnection: boolean, cause?: unknown) {
    super(`loopback request: ${reason}`, { cause });
    this.reason = reason;
    this.reusedConnection = reusedConnection;
  }
}

/** Send it. @throws LoopbackError, or the signal's reason */
export function requestLoopback(options: LoopbackRequest): Promise<LoopbackAnswer> {
  const { port, method, path, token, body, timeoutMs, agent, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = { ...options.headers };
    if (token) headers.authorization = `Bearer ${token}`;
    if (text !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = String(Buffer.byteLength(text));
    }
    const sent = request({ host: LOOPBACK, port, method, path, headers, agent: agent ?? false });
    const fail = (error: unknown) => {
      finish();
      sent.destroy();
      reject(error);
    };
    const broken = (error: NodeJS.ErrnoException) => fail(new LoopbackError(error.code === "ECONNREFUSED" ? "refused" : "reset", sent.reusedSocket, error));
    const timer = setTimeout(() => fail(new LoopbackError("timeout", sent.reusedSocket)), timeoutMs);
    const abort = () => fail(signal?.reason);
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort, { once: true });
    sent.on("error", broken);
    sent.on("response", (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", broken);
      response.on("end", () => {
        if (!response.complete) return broken(new Error("the answer ended early"));
        finish();
        resolve({ status: response.statusCode ?? 0, contentType: response.headers["content-type"] ?? "", body: Buffer.concat(chunks) });
      });
    });
    sent.end(text);
  });
}
