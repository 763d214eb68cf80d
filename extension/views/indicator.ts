/** What the status bar says in each state of the engine. Pure. */
import { activeRuns, type EngineView, wordOf } from "../engineView.ts";
import { count } from "./text.ts";

export interface Indicator {
  readonly icon: string;
  /** State in words, after the mode; empty when all is well. */
  readonly state: string;
  /** One sentence for the hover and for screen readers. */
  readonly sentence: string;
  readonly severity: "none" | "warning" | "error";
}

/** What the item shows. Pure. */
export function indicatorOf(view: EngineView, trusted: boolean): Indicator {
  const calm = { severity: "none" } as const;
  if (!trusted) return { icon: "shield", state: "restricted", sentence: "The folder is not trusted; tino runs nothing in it.", ...calm };
  const runs = activeRuns(view).length;
  switch (wordOf(view)) {
    case "offline":
      return { icon: "circle-outline", state: "offline", sentence: view.link.kind === "stopped" ? "The engine was stopped." : "No engine is in use.", ...calm };
    case "starting":
      return { icon: "loading~spin", state: "starting", sentence: "The engine is starting.", ...calm };
    case "healthy":
      return runs > 0
        ? { icon: "sync~spin", state: count(runs, "run"), sentence: `The engine is busy with ${count(runs, "run")}.`, ...calm }
        : { icon: "graph-line", state: "", sentence: "The engine is healthy.", ...calm };
    case "stale":
      return {
        icon: "warning",
        state: "stale",
        sentence: "The engine does not answer; what is shown may be old. The connection is being restored.",
        severity: "warning",
      };
    case "error":
      return { icon: "error", state: "error", sentence: "The engine could not be started.", severity: "error" };
  }
}
