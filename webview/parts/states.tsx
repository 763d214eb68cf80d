/** What stands where data would stand: nothing yet, on its way, failed, old. */
import type { ReactNode } from "react";
import type { ErrorBody, TraceFrame } from "#contracts";
import { useAct, useTransport } from "../engine.tsx";
import { fileName } from "../format.ts";
import { Button } from "./Button.tsx";
import { Icon } from "./Icon.tsx";

/** Nothing to show yet, and what to do about it. */
export function Empty({ icon, title, children, actions }: { icon: string; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {actions ? <div className="empty-actions">{actions}</div> : null}
    </div>
  );
}

const WIDTHS = [92, 55, 78, 64, 86, 47, 72, 90, 58, 81, 67, 50];

/** The shape of what is being fetched. */
export function Skeleton({ lines = 4, label }: { lines?: number; label: string }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {WIDTHS.slice(0, lines).map((width) => (
        <div key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

/** A place in a source file; in the editor a click opens it. */
export function SourceLink({ path, line, children }: { path: string; line: number; children?: ReactNode }) {
  const transport = useTransport();
  const act = useAct();
  const text = children ?? `${fileName(path)}:${line}`;
  if (transport.host !== "editor") return <span title={`${path}:${line}`}>{text}</span>;
  return (
    <button
      type="button"
      className="link"
      title={`Open ${path}:${line}`}
      onClick={(event) => {
        event.stopPropagation();
        act({ type: "openSource", path, line });
      }}
    >
      {text}
    </button>
  );
}

function Trace({ frames }: { frames: readonly TraceFrame[] }) {
  return (
    <ol className="trace">
      {frames.map((frame, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a traceback never changes.
        <li key={index}>
          <SourceLink path={frame.path} line={frame.line} /> <span className="muted">in {frame.function}</span>
          <code>{frame.code}</code>
        </li>
      ))}
    </ol>
  );
}

/** A failure: what happened, what to do, where, and its code for whoever is asked. */
export function Failure({ error, retry }: { error: ErrorBody; retry?: (() => void) | undefined }) {
  const act = useAct();
  const transport = useTransport();
  const { code, message, hint, location, traceback } = error;
  return (
    <div className="failure" role="alert">
      <Icon name="error" />
      <div>
        <h2>{message}</h2>
        <p>{hint}</p>
        {traceback.length > 0 ? (
          <Trace frames={traceback} />
        ) : location ? (
          <p>
            <SourceLink path={location.path} line={location.line} />
          </p>
        ) : null}
        <div className="failure-actions">
          {retry ? (
            <Button icon="refresh" onClick={retry}>
              Try again
            </Button>
          ) : null}
          {transport.host === "editor" ? (
            <Button icon="output" onClick={() => act({ type: "showLog" })}>
              Show log
            </Button>
          ) : null}
          <code className="muted">{code}</code>
        </div>
      </div>
    </div>
  );
}

/** A line across the page about the state of what it shows. */
export function Banner({ tone, icon, children, actions }: { tone: "info" | "warning" | "error"; icon: string; children: ReactNode; actions?: ReactNode }) {
  return (
    <div className={`banner is-${tone}`} role="status">
      <Icon name={icon} />
      <span>{children}</span>
      {actions}
    </div>
  );
}
