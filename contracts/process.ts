/**
 * How processes find, prove and end each other: lock files, `engine.pid`, the start handshake, health, status, sessions.
 *
 * The order in which these are written and read is told in `docs/architecture.md` and in
 * `extension/supervisor/supervise.ts`; this file only fixes the shapes.
 */
import { z } from "zod";
import { ClientKind, EpochMs, Instance, Mode, Nonce, Scope } from "./base.ts";

const Pid = z.number().int().min(1);
const Port = z.number().int().min(1).max(65535);
const StartId = z.string().nullable().default(null).describe("What tells this process from another that had its PID: on Linux the start ticks of /proc/<pid>/stat. Null where the writer cannot read it; the engine then binds it at hello.");
const BootId = z.string().nullable().default(null).describe("The machine's boot, so that a PID of an earlier boot is never taken for a live one; on Linux `<boot id>:<pid namespace inode>`, so that neither is one of another container. Null where it cannot be read.");

/** Content of `run/cli/cli-<PID>.lock`: a client's claim on the engine. */
export const LockFile = z
  .object({
    pid: Pid,
    startedAt: EpochMs,
    tty: z.string().nullable().describe("The terminal's device, null for a window."),
    kind: ClientKind.default("cli"),
    startId: StartId,
    bootId: BootId,
    nonce: Nonce,
    version: z.string(),
    workspace: z.string().nullable().default(null).describe("The folder shown to people who ask who holds the engine."),
  })
  .meta({ id: "LockFile" });
export type LockFile = z.infer<typeof LockFile>;

/** Content of `run/engine.pid`, written by rename once the engine is healthy. */
export const EngineInfo = z
  .object({
    pid: Pid,
    port: Port,
    startedAt: EpochMs,
    pythonPath: z.string(),
    instance: Instance,
    protocol: z.number().int(),
    version: z.string(),
    startId: StartId,
    bootId: BootId,
    logPath: z.string(),
  })
  .meta({ id: "EngineInfo" });
export type EngineInfo = z.infer<typeof EngineInfo>;

/** The one line the engine reads on standard input after READY. */
export const Bootstrap = z
  .object({
    protocol: z.number().int(),
    nonce: Nonce.describe("The nonce of the READY line, echoed: proof that the writer read it."),
    version: z.string(),
    dashboardPath: z.string().nullable().default(null).describe("Folder of the built pages, null to serve none."),
    logLevel: z.enum(["debug", "info", "warning", "error"]).default("info"),
    windowGraceMs: z.number().int().min(0).default(30_000).describe("How long to wait for a client when a window was the last one."),
    terminalGraceMs: z.number().int().min(0).default(5_000).describe("The same when only terminals were."),
  })
  .meta({ id: "Bootstrap" });
export type Bootstrap = z.infer<typeof Bootstrap>;

export const EngineState = z.enum(["starting", "healthy", "stopping"]).meta({ id: "EngineState" });
export type EngineState = z.infer<typeof EngineState>;

/**
 * Answer of `GET /api/health?nonce=…`, the only route without a token.
 * `proof` is HMAC-SHA256, keyed with the token, over `tino-health|<nonce>|<pid>|<port>|<instance>`, hex; null when no nonce was sent.
 */
export const Health = z
  .object({
    service: z.literal("tino"),
    status: EngineState,
    pid: Pid,
    port: Port,
    instance: Instance,
    protocol: z.number().int(),
    version: z.string(),
    proof: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
  })
  .meta({ id: "Health" });
export type Health = z.infer<typeof Health>;

export const HealthQuery = z.object({ nonce: Nonce.nullable().default(null).describe("Challenge for the proof.") }).meta({ id: "HealthQuery" });
export type HealthQuery = z.infer<typeof HealthQuery>;

/** One user of the engine, as the engine sees it. */
export const Client = z
  .object({
    kind: ClientKind,
    pid: Pid.nullable().describe("Null for a browser page, which has no process of its own here."),
    since: EpochMs,
    tty: z.string().nullable(),
    workspace: z.string().nullable(),
    connected: z.boolean().describe("Its event stream is open. False: only its lock file says it is alive."),
  })
  .meta({ id: "Client" });
export type Client = z.infer<typeof Client>;

/** Answer of `GET /api/engine`: what `tino status` and the status bar show. */
export const EngineStatus = z
  .object({
    state: EngineState,
    mode: Mode,
    pid: Pid,
    port: Port,
    instance: Instance,
    protocol: z.number().int(),
    version: z.string(),
    startedAt: EpochMs,
    now: EpochMs.nullable().default(null).describe("The engine's clock when it answered, to be compared with one's own. Null from an engine that does not tell."),
    pythonPath: z.string(),
    home: z.string(),
    logPath: z.string(),
    memoryBytes: z.number().int().min(0).describe("Resident memory of the engine process alone."),
    clients: z.array(Client),
    runsRunning: z.number().int().min(0),
    runsQueued: z.number().int().min(0),
    children: z.array(z.object({ role: z.enum(["language", "data", "provide", "work", "spare", "validation"]), pid: Pid, memoryBytes: z.number().int().min(0) }).meta({ id: "ChildProcess" })),
  })
  .meta({ id: "EngineStatus" });
export type EngineStatus = z.infer<typeof EngineStatus>;

export const ShutdownRequest = z
  .object({
    force: z.boolean().default(false).describe("Stop although others use the engine; running work is marked interrupted."),
    nonce: Nonce.nullable().default(null).describe("The asking client's own, which does not count as another holder."),
  })
  .meta({ id: "ShutdownRequest" });
export type ShutdownRequest = z.infer<typeof ShutdownRequest>;

export const ShutdownReply = z.object({ state: z.literal("stopping") }).meta({ id: "ShutdownReply" });
export type ShutdownReply = z.infer<typeof ShutdownReply>;

/** A one-time code that opens the dashboard in a browser. */
export const BrowserCode = z.object({ code: z.string(), expiresAt: EpochMs, url: z.string().describe("Address with the code in its fragment.") }).meta({ id: "BrowserCode" });
export type BrowserCode = z.infer<typeof BrowserCode>;

export const BrowserCodeRequest = z
  .object({
    path: z
      .string()
      .regex(/^\/[^#]*$/)
      .default("/")
      .describe("Page to open, with its query: `/backtest?run=…`."),
  })
  .meta({ id: "BrowserCodeRequest" });
export type BrowserCodeRequest = z.infer<typeof BrowserCodeRequest>;

export const SessionRequest = z.object({ code: z.string().max(200) }).meta({ id: "SessionRequest" });
export type SessionRequest = z.infer<typeof SessionRequest>;

/** A browser session: kept by the page in session storage, sent as a bearer token, valid while this engine lives. */
export const Session = z.object({ token: z.string(), scopes: z.array(Scope), instance: Instance }).meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

/** A one-use ticket a browser puts into the WebSocket subprotocol, since it can send no header there. */
export const SocketTicket = z.object({ ticket: z.string(), expiresAt: EpochMs }).meta({ id: "SocketTicket" });
export type SocketTicket = z.infer<typeof SocketTicket>;
