/**
 * The event stream: what `/ws/events` and `/ws/backtest/{id}` carry.
 *
 * The client's first message is {@link Hello}. The engine answers {@link Snapshot} (state as of `seq`) or, when it still
 * holds everything after the client's last event, {@link Resumed}; then one {@link Envelope} per event. `seq` counts
 * without gaps within one `instance`; another instance, or a gap, means: ask again with a new hello and take the snapshot.
 * Events with a `ledgerSeq` are durable: they were committed before they were sent, in that order. A client that comes back to another
 * instance names the last one it knows, and the snapshot brings the later ones along: what the engine that died had committed and
 * not yet told, and what happened since. So no durable event is ever missed, and none comes twice.
 */
import { z } from "zod";
import { RunProgress, RunSummary } from "./backtest.ts";
import { ClientKind, Decimal, EpochMs, Instance, Mode, Nonce, RunId } from "./base.ts";
import { DataImport } from "./data.ts";
import { Client, EngineState, EngineStatus } from "./process.ts";
import { Download } from "./providers.ts";
import { SweepChanged, SweepProgressed, SweepRemoved } from "./search.ts";
import { ValidationChanged, ValidationProgressed } from "./validation.ts";

const Side = z.enum(["BUY", "SELL"]);

/** One change of an order book level. */
export const OrderbookDelta = z
  .object({
    type: z.literal("orderbook_delta"),
    instrumentId: z.string(),
    action: z.enum(["ADD", "UPDATE", "DELETE", "CLEAR"]),
    side: Side.nullable().describe("Null for CLEAR."),
    price: Decimal.nullable(),
    size: Decimal.nullable(),
    bookSequence: z.number().int().min(0).describe("The venue's own sequence number."),
    ts: EpochMs,
  })
  .meta({ id: "OrderbookDelta" });
export type OrderbookDelta = z.infer<typeof OrderbookDelta>;

/** One trade of the market. */
export const Trade = z
  .object({
    type: z.literal("trade"),
    instrumentId: z.string(),
    price: Decimal,
    size: Decimal,
    aggressor: z.enum(["BUYER", "SELLER", "NONE"]),
    tradeId: z.string(),
    ts: EpochMs,
  })
  .meta({ id: "Trade" });
export type Trade = z.infer<typeof Trade>;

/** An order of ours after a change. */
export const OrderState = z
  .object({
    type: z.literal("order_state"),
    traderId: z.string(),
    mode: Mode,
    instrumentId: z.string(),
    clientOrderId: z.string(),
    venueOrderId: z.string().nullable(),
    side: Side,
    orderType: z.enum(["MARKET", "LIMIT", "STOP_MARKET", "STOP_LIMIT", "MARKET_TO_LIMIT", "MARKET_IF_TOUCHED", "LIMIT_IF_TOUCHED", "TRAILING_STOP_MARKET", "TRAILING_STOP_LIMIT"]),
    status: z.enum(["INITIALIZED", "DENIED", "EMULATED", "RELEASED", "SUBMITTED", "ACCEPTED", "REJECTED", "CANCELED", "EXPIRED", "TRIGGERED", "PENDING_UPDATE", "PENDING_CANCEL", "PARTIALLY_FILLED", "FILLED"]),
    quantity: Decimal,
    filledQuantity: Decimal,
    averagePrice: Decimal.nullable(),
    limitPrice: Decimal.nullable(),
    reason: z.string().nullable().describe("Why it was denied, rejected or cancelled."),
    ts: EpochMs,
  })
  .meta({ id: "OrderState" });
export type OrderState = z.infer<typeof OrderState>;

/** A position after a change. */
export const PositionState = z
  .object({
    type: z.literal("position_state"),
    traderId: z.string(),
    mode: Mode,
    instrumentId: z.string(),
    positionId: z.string(),
    side: z.enum(["LONG", "SHORT", "FLAT"]),
    quantity: Decimal,
    averageOpenPrice: Decimal,
    realizedPnl: Decimal,
    unrealizedPnl: Decimal.nullable().describe("Null without a current price."),
    currency: z.string(),
    ts: EpochMs,
  })
  .meta({ id: "PositionState" });
export type PositionState = z.infer<typeof PositionState>;

/** A limit was met, or protection acted. */
export const RiskAlert = z
  .object({
    type: z.literal("risk_alert"),
    traderId: z.string().nullable(),
    mode: Mode,
    severity: z.enum(["info", "warning", "critical"]),
    rule: z.string().describe("The limit or protection, by name."),
    message: z.string(),
    value: Decimal.nullable(),
    limit: Decimal.nullable(),
    action: z.enum(["none", "denied", "reducing", "halted", "flattened"]),
    ts: EpochMs,
  })
  .meta({ id: "RiskAlert" });
export type RiskAlert = z.infer<typeof RiskAlert>;

/** A run changed its status. Durable. */
export const RunChanged = z.object({ type: z.literal("run.changed"), run: RunSummary }).meta({ id: "RunChanged" });
export type RunChanged = z.infer<typeof RunChanged>;

/** A run went on. Not durable: the newest one is all that counts. */
export const RunProgressed = z.object({ type: z.literal("run.progressed"), id: RunId, progress: RunProgress }).meta({ id: "RunProgressed" });
export type RunProgressed = z.infer<typeof RunProgressed>;

/** Tags, note or pin of a run changed, and nothing else. Durable. */
export const RunLabelled = z.object({ type: z.literal("run.labelled"), run: RunSummary }).meta({ id: "RunLabelled" });
export type RunLabelled = z.infer<typeof RunLabelled>;

/** The code of a run was edited since it ran, or is as it ran again. Not durable: whoever asks for the run is told. */
export const RunEdited = z.object({ type: z.literal("run.edited"), run: RunSummary }).meta({ id: "RunEdited" });
export type RunEdited = z.infer<typeof RunEdited>;

/** A run was deleted, with its files. Durable. */
export const RunDeleted = z.object({ type: z.literal("run.deleted"), id: RunId }).meta({ id: "RunDeleted" });
export type RunDeleted = z.infer<typeof RunDeleted>;

/** A client came or went. Durable. */
export const ClientJoined = z.object({ type: z.literal("client.joined"), client: Client }).meta({ id: "ClientJoined" });
export type ClientJoined = z.infer<typeof ClientJoined>;
export const ClientLeft = z.object({ type: z.literal("client.left"), client: Client }).meta({ id: "ClientLeft" });
export type ClientLeft = z.infer<typeof ClientLeft>;

export const EngineChanged = z.object({ type: z.literal("engine.changed"), state: EngineState }).meta({ id: "EngineChanged" });
export type EngineChanged = z.infer<typeof EngineChanged>;

/** The catalog changed; whoever shows it asks again. */
export const DataChanged = z.object({ type: z.literal("data.changed"), barTypes: z.array(z.string()) }).meta({ id: "DataChanged" });
export type DataChanged = z.infer<typeof DataChanged>;

/** An import went on or ended. Not durable: what it stored is told by `data.changed`. */
export const ImportChanged = z.object({ type: z.literal("import.changed"), import: DataImport }).meta({ id: "ImportChanged" });
export type ImportChanged = z.infer<typeof ImportChanged>;

/** A download went on or ended. Not durable, as with imports. */
export const DownloadChanged = z.object({ type: z.literal("download.changed"), download: Download }).meta({ id: "DownloadChanged" });
export type DownloadChanged = z.infer<typeof DownloadChanged>;

export const Event = z
  .discriminatedUnion("type", [
    OrderbookDelta,
    Trade,
    OrderState,
    PositionState,
    RiskAlert,
    RunChanged,
    RunProgressed,
    RunLabelled,
    RunEdited,
    RunDeleted,
    ClientJoined,
    ClientLeft,
    EngineChanged,
    DataChanged,
    ImportChanged,
    DownloadChanged,
    SweepChanged,
    SweepProgressed,
    SweepRemoved,
    ValidationChanged,
    ValidationProgressed,
  ])
  .meta({ id: "Event" });
export type Event = z.infer<typeof Event>;

/** One event with its place in the stream. */
export const Envelope = z
  .object({
    kind: z.literal("event"),
    instance: Instance,
    seq: z.number().int().min(1),
    ledgerSeq: z.number().int().min(1).nullable(),
    at: EpochMs.describe("When the engine took it in."),
    event: Event,
  })
  .meta({ id: "Envelope" });
export type Envelope = z.infer<typeof Envelope>;

/** A client's first message. */
export const Hello = z
  .object({
    kind: z.literal("hello"),
    protocol: z.number().int(),
    client: ClientKind,
    pid: z.number().int().min(1).nullable(),
    nonce: Nonce.nullable().describe("The one in the client's lock file; null for a browser page."),
    version: z.string(),
    workspace: z.string().nullable().default(null),
    trustedFolders: z.array(z.string()).default([]).describe("Absolute paths whose code may be run for this client; read from windows and terminals only."),
    resume: z
      .object({ instance: Instance, seq: z.number().int().min(0) })
      .nullable()
      .default(null),
    ledgerSeq: z.number().int().min(0).nullable().default(null).describe("The newest durable event that the client knows; null for one that comes for the first time, which wants the state and not the past."),
  })
  .meta({ id: "Hello" });
export type Hello = z.infer<typeof Hello>;

/** A client says again which folders are trusted, when that changed. */
export const TrustChanged = z.object({ kind: z.literal("trust"), trustedFolders: z.array(z.string()) }).meta({ id: "TrustChanged" });
export type TrustChanged = z.infer<typeof TrustChanged>;

export const ClientMessage = z.discriminatedUnion("kind", [Hello, TrustChanged]).meta({ id: "ClientMessage" });
export type ClientMessage = z.infer<typeof ClientMessage>;

/** A durable event as it is in the ledger. */
export const LedgerEvent = z.object({ ledgerSeq: z.number().int().min(1), at: EpochMs.describe("When it happened."), event: Event }).meta({ id: "LedgerEvent" });
export type LedgerEvent = z.infer<typeof LedgerEvent>;

/** Everything a viewer needs to start from. */
export const Snapshot = z
  .object({
    kind: z.literal("snapshot"),
    instance: Instance,
    seq: z.number().int().min(0).describe("Events up to this one are contained."),
    ledgerSeq: z.number().int().min(0).default(0).describe("Durable events up to this one are contained."),
    missed: z.array(LedgerEvent).default([]).describe("Durable events after the one that the client named, oldest first; of more than 1 000 the newest."),
    status: EngineStatus,
    runs: z.array(RunSummary).describe("The newest, every one that is pinned, queued or running."),
  })
  .meta({ id: "Snapshot" });
export type Snapshot = z.infer<typeof Snapshot>;

export const Resumed = z.object({ kind: z.literal("resumed"), instance: Instance, seq: z.number().int().min(0) }).meta({ id: "Resumed" });
export type Resumed = z.infer<typeof Resumed>;

export const ServerMessage = z.discriminatedUnion("kind", [Snapshot, Resumed, Envelope]).meta({ id: "ServerMessage" });
export type ServerMessage = z.infer<typeof ServerMessage>;
