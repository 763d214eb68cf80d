/** The frame of every page: which page, which mode, whether what is shown is current. */
import { useCallback, useEffect, useState } from "react";
import { type PageState, PROTOCOL } from "#contracts";
import { EngineProvider, useAct, useConnection, useLive, useToldFailure, useTransport } from "./engine.tsx";
import { Backtest } from "./pages/Backtest/Backtest.tsx";
import { Compare } from "./pages/Compare/Compare.tsx";
import { Data } from "./pages/Data/Data.tsx";
import { Runs } from "./pages/Runs/Runs.tsx";
import { Sweep } from "./pages/Sweep/Sweep.tsx";
import { ToolButton } from "./parts/Button.tsx";
import { Icon } from "./parts/Icon.tsx";
import { isActive } from "./parts/runStatus.ts";
import { Banner, Empty, Skeleton } from "./parts/states.tsx";
import { useBrowserTheme } from "./theme.ts";
import type { Transport } from "./transport.ts";

export function App({ transport }: { transport: Transport }) {
  return (
    <EngineProvider transport={transport}>
      <Frame />
    </EngineProvider>
  );
}

const PAGES = [
  { page: "backtest", label: "Backtest" },
  { page: "runs", label: "Runs" },
  { page: "sweep", label: "Sweep" },
  { page: "data", label: "Data" },
] as const;

function Frame() {
  const transport = useTransport();
  const connection = useConnection();
  const [state, setState] = useState<PageState | null>(null);
  useEffect(() => transport.onPage(setState), [transport]);
  useEffect(() => {
    if (state) transport.showing(state);
    const label = state?.page === "compare" ? "Compare" : PAGES.find(({ page }) => page === state?.page)?.label;
    document.title = label ? `${label} – tino` : "tino";
  }, [state, transport]);

  /** Another page is another place: a tab of the editor, an address of the browser. */
  const act = useAct();
  const open = useCallback((next: PageState) => act({ type: "openPage", state: next }), [act]);
  /** In a browser the way back leads to what was shown before; a panel has one place and no history. */
  const go = useCallback((next: PageState) => (transport.host === "browser" ? open(next) : setState(next)), [transport, open]);

  if (connection === "expired") return <Expired />;
  return (
    <div className="frame">
      <Header state={state} open={open} />
      <Connected />
      <Told />
      {state === null ? (
        <Skeleton label="Loading the page" lines={10} />
      ) : state.page === "data" ? (
        <Data state={state} amend={setState} />
      ) : state.page === "sweep" ? (
        <Sweep state={state} amend={setState} />
      ) : state.page === "runs" ? (
        <Runs open={open} />
      ) : state.page === "compare" ? (
        <Compare state={state} open={open} amend={setState} />
      ) : (
        <Backtest state={state} go={go} amend={setState} />
      )}
    </div>
  );
}

function Header({ state, open }: { state: PageState | null; open: (state: PageState) => void }) {
  const transport = useTransport();
  const browser = transport.host === "browser";
  return (
    <header className="frame-head">
      {browser ? (
        <>
          <span className="brand">tino</span>
          <nav aria-label="Pages">
            {PAGES.map(({ page, label }) => (
              <a
                key={page}
                href={`/${page}`}
                aria-current={state?.page === page ? "page" : undefined}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  event.preventDefault();
                  open({ page, run: null, path: null, name: null });
                }}
              >
                {label}
              </a>
            ))}
          </nav>
        </>
      ) : (
        <ToolButton
          icon={state?.page === "runs" ? "graph-line" : "history"}
          label={state?.page === "runs" ? "Open the backtest page" : "Open the list of runs"}
          onClick={() => open({ page: state?.page === "runs" ? "backtest" : "runs", run: null, path: null, name: null })}
        />
      )}
      <span className="frame-space" />
      <EngineState />
      <Mode />
      {browser ? <ThemeButton /> : null}
    </header>
  );
}

/** In words and in colour, in every header: nobody should have to wonder whose money it is. */
function Mode() {
  const mode = useLive((state) => state.status?.mode ?? null);
  if (mode === null) return null;
  return (
    <span className="mode" data-mode={mode} title={mode === "PAPER" ? "Nothing here trades with real money." : "Orders go to a real venue."}>
      {mode}
    </span>
  );
}

function EngineState() {
  const connection = useConnection();
  const status = useLive((state) => state.status);
  const busy = useLive((state) => [...state.runs.values()].filter(isActive).length);
  const words = connection === "live" ? (busy > 0 ? `${busy} running` : "Ready") : connection === "connecting" ? "Connecting" : "Offline";
  return (
    <span className="engine-state" data-connection={connection} title={status ? `Engine ${status.version}, process ${status.pid}` : undefined}>
      <Icon
        name={connection === "live" ? (busy > 0 ? "sync" : "circle-filled") : connection === "connecting" ? "loading" : "debug-disconnect"}
        spin={connection === "connecting" || (connection === "live" && busy > 0)}
      />
      {words}
    </span>
  );
}

function ThemeButton() {
  const [theme, toggle] = useBrowserTheme();
  return <ToolButton icon="color-mode" label={theme === "dark" ? "Use the light theme" : "Use the dark theme"} onClick={toggle} />;
}

/** Something the user asked for did not happen. */
function Told() {
  const [failure, dismiss] = useToldFailure();
  if (!failure) return null;
  return (
    <Banner tone="error" icon="error" actions={<ToolButton icon="close" label="Dismiss" onClick={dismiss} />}>
      {failure.message} {failure.hint}
    </Banner>
  );
}

/** What the reader must know about the state of what is shown. */
function Connected() {
  const connection = useConnection();
  const transport = useTransport();
  const status = useLive((state) => state.status);
  useEffect(() => {
    document.documentElement.dataset.stale = String(connection === "lost");
  }, [connection]);
  if (connection === "lost") {
    return (
      <Banner tone="warning" icon="debug-disconnect">
        The engine does not answer. What you see is as it was; the page connects again by itself.{" "}
        {transport.host === "browser" ? (
          <>
            If the engine was restarted, run <code>tino open</code>.
          </>
        ) : null}
      </Banner>
    );
  }
  if (status && status.protocol !== PROTOCOL) {
    return (
      <Banner tone="warning" icon="versions">
        The engine and this page are of different versions. Reload the page.
      </Banner>
    );
  }
  if (status?.state === "stopping") {
    return (
      <Banner tone="info" icon="info">
        The engine is shutting down.
      </Banner>
    );
  }
  return null;
}

function Expired() {
  return (
    <Empty icon="key" title="This page has no session">
      A session lasts as long as the engine and belongs to one browser tab. Run <code>tino open</code> in a terminal, or “tino: Open dashboard in browser” in
      the editor, for a new one.
    </Empty>
  );
}
