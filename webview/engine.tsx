/** What components use to reach the engine: calls with a cache, the live state, the transport itself. */
import { QueryClient, QueryClientProvider, type UseQueryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { type CallArgs, type CallReply, type PanelAction, type PanelCall, type RunSummary, type ServerMessage, TinoError } from "#contracts";
import { type State, Store } from "./store.ts";
import { type Connection, Listeners, type Transport } from "./transport.ts";

interface Engine {
  readonly transport: Transport;
  readonly store: Store;
  readonly queries: QueryClient;
  readonly failures: Listeners<TinoError>;
}

const EngineContext = createContext<Engine | null>(null);

/** Connects a transport with a store and a query cache for everything below it. */
export function EngineProvider({ transport, children }: { transport: Transport; children: ReactNode }) {
  const [engine] = useState<Engine>(() => ({ transport, store: new Store(), queries: createQueries(), failures: new Listeners() }));
  useEffect(() => {
    const stop = transport.onServerMessage((message) => {
      const before = engine.store.get();
      engine.store.take(message);
      invalidate(engine.queries, before, message);
      if (engine.store.get().gap && !before.gap) transport.resync();
    });
    // The children's effects have run by now: everybody listens.
    transport.start();
    return stop;
  }, [engine, transport]);
  return (
    <EngineContext.Provider value={engine}>
      <QueryClientProvider client={engine.queries}>{children}</QueryClientProvider>
    </EngineContext.Provider>
  );
}

function useEngine(): Engine {
  const engine = useContext(EngineContext);
  if (!engine) throw new Error("There is no EngineProvider above this component.");
  return engine;
}

export const useTransport = (): Transport => useEngine().transport;

/** Have something done outside the page; a failure is told at the top of the page. */
export function useAct(): (action: PanelAction) => void {
  const { transport } = useEngine();
  const tell = useTell();
  return useCallback((action) => void transport.act(action).catch(tell), [transport, tell]);
}

/** Tell a failure that belongs to no place of its own. */
export function useTell(): (error: unknown) => void {
  const { failures } = useEngine();
  return useCallback((error) => failures.tell(asTinoError(error)), [failures]);
}

/** The last failure that was told, until it is dismissed. */
export function useToldFailure(): [TinoError | null, () => void] {
  const { failures } = useEngine();
  const [failure, setFailure] = useState<TinoError | null>(null);
  useEffect(() => failures.add(setFailure), [failures]);
  return [failure, useCallback(() => setFailure(null), [])];
}

/** A part of the live state; renders again when that part changes. */
export function useLive<T>(select: (state: State) => T): T {
  const { store } = useEngine();
  return useSyncExternalStore(store.watch, () => select(store.get()));
}

/** The newest word on a run, if the stream had one. */
export const useLiveRun = (id: string | null): RunSummary | null => useLive((state) => (id === null ? null : (state.runs.get(id) ?? null)));

export function useConnection(): Connection {
  const transport = useTransport();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => transport.onConnection(setConnection), [transport]);
  return connection;
}

type Options<N extends PanelCall> = Pick<UseQueryOptions<CallReply<N>, TinoError>, "enabled" | "staleTime" | "gcTime" | "refetchOnWindowFocus">;

/** A resource of the engine, fetched when shown and again when an event says that it changed. */
export function useCall<N extends PanelCall>(name: N, args: CallArgs<N>, options: Options<N> = {}): UseQueryResult<CallReply<N>, TinoError> {
  const { transport } = useEngine();
  return useQuery<CallReply<N>, TinoError>({
    queryKey: [name, args],
    queryFn: async ({ signal }) => {
      try {
        return await transport.call(name, args, signal);
      } catch (error) {
        throw signal.aborted ? error : asTinoError(error);
      }
    },
    ...options,
  });
}

/** What a page shows is always an error of the catalogue; anything else is a fault of ours and says so. */
export function asTinoError(error: unknown): TinoError {
  if (TinoError.is(error)) return error;
  console.error(error);
  return TinoError.of("internal", { reference: error instanceof Error ? error.message : String(error), log: "the page's console" }, { cause: error });
}

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        // Only what may be different the next time is worth asking again.
        retry: (failures, error) => failures < 2 && TinoError.is(error) && (error.code === "engine_not_running" || error.code === "request_timeout"),
        retryDelay: (attempt) => 500 * 2 ** attempt,
        // Loopback needs no network.
        networkMode: "always",
      },
    },
  });
}

/**
 * Have what an event made stale fetched again. A first answer that is still on its way may be older than the event, and an invalidation alone
 * would let it count: so it is given up first.
 */
const forget = (queries: QueryClient, ...key: unknown[]): void =>
  void queries.cancelQueries({ queryKey: key }).then(() => queries.invalidateQueries({ queryKey: key }));

function invalidate(queries: QueryClient, before: State, message: ServerMessage): void {
  if (message.kind === "snapshot") {
    // The first snapshot adds nothing to what the page is fetching anyway.
    if (before.instance !== null) void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "getSeries" });
    return;
  }
  if (message.kind !== "event") return;
  const { event } = message;
  if (event.type === "data.changed") {
    forget(queries, "listSymbols");
    for (const name of ["getBars", "getQuality", "checkData", "listWatchlists", "getFundamentals"]) forget(queries, name);
  } else if (event.type === "run.changed" && before.runs.get(event.run.id)?.status !== event.run.status) {
    forget(queries, "getRun", { path: { id: event.run.id } });
    forget(queries, "listRuns");
  } else if (event.type === "validation.changed") {
    forget(queries, "listValidations");
    forget(queries, "getValidation", { path: { id: event.validation.id } });
    forget(queries, "getHonesty");
  } else if (event.type === "validation.progressed") {
    // What goes on stands in the list.
    forget(queries, "listValidations");
  } else if (event.type === "run.deleted" || event.type === "run.labelled" || event.type === "run.edited") {
    forget(queries, "listRuns");
  }
}
