/** A page of the dashboard in the system's browser. */
import { spawn } from "node:child_process";
import { type BrowserCode, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import { findRunId } from "./runs.ts";

const PAGES = ["backtest", "runs", "data"];

/** A one-time address for a page, or for a run's page. @throws run_not_found, usage */
export async function createAddress(link: EngineLink, target: string): Promise<BrowserCode> {
  const path = PAGES.includes(target) ? `/${target}` : `/backtest?run=${await findRunId(link, target)}`;
  return link.call("createBrowserCode", { body: { path } });
}

/** Resolves when a browser page holds the engine. */
export function untilPageConnects(link: EngineLink): Promise<void> {
  return new Promise((resolve) => {
    const stop = link.listen({
      onEvent: (event) => {
        if (event.type !== "client.joined" || event.client.kind !== "browser") return;
        stop();
        resolve();
      },
    });
  });
}

/** Open an address with the system's own opener. @throws browser_not_opened */
export function openBrowser(url: string, env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): Promise<void> {
  const fail = (reason: string) => TinoError.of("browser_not_opened", { reason, url });
  if (platform === "linux" && !env.DISPLAY && !env.WAYLAND_DISPLAY && !env.BROWSER) return Promise.reject(fail("there is no display"));
  const [command, args] =
    platform === "darwin"
      ? ["open", [url]]
      : platform === "win32"
        ? ["rundll32.exe", ["url.dll,FileProtocolHandler", url]]
        : [env.BROWSER || "xdg-open", [url]];
  return new Promise((resolve, reject) => {
    const child = spawn(command as string, args as string[], { stdio: "ignore", detached: true });
    // The opener goes on as long as the browser does, or ends at once with a code of failure.
    child.once("spawn", () => setTimeout(resolve, 500).unref());
    child.once("error", (error) => reject(fail(error.message)));
    child.once("exit", (code) => (code === 0 ? resolve() : reject(fail(`${command} ended with code ${code}`))));
    child.unref();
  });
}
