/** The handle between chart and tabs: dragged, or moved with the arrow keys; a double click puts it back. */
import { type PointerEvent, type RefObject, useEffect, useState } from "react";
import { useTransport } from "../../engine.tsx";

const SHARE = "backtest.share";
const USUAL = 0.3;
const [LEAST, MOST] = [0.12, 0.75];

export function Sash({ container }: { container: RefObject<HTMLElement | null> }) {
  const transport = useTransport();
  /** Share of the height that the tabs have. */
  const [share, setShare] = useState(() => Number(transport.recall(SHARE)) || USUAL);
  useEffect(() => {
    container.current?.style.setProperty("--tabs-share", String(share));
  }, [container, share]);

  const put = (next: number) => {
    const bounded = Math.min(Math.max(next, LEAST), MOST);
    setShare(bounded);
    transport.remember(SHARE, bounded);
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    const box = container.current?.getBoundingClientRect();
    if (box && event.currentTarget.hasPointerCapture(event.pointerId)) put((box.bottom - event.clientY) / box.height);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved, a splitter can.
    <div
      className="sash"
      role="separator"
      aria-label="Height of the tables"
      aria-orientation="horizontal"
      aria-valuemin={LEAST * 100}
      aria-valuemax={MOST * 100}
      aria-valuenow={Math.round(share * 100)}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDoubleClick={() => put(USUAL)}
      onKeyDown={(event) => {
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        put(share + (event.key === "ArrowUp" ? 0.04 : -0.04));
      }}
    />
  );
}
