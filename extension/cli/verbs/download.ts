/** Downloading from providers of market data. */
import { type Download, DownloadRequest, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import { followJob } from "./job.ts";

/** What was typed; undefined where nothing was. */
export interface DownloadOptions {
  readonly provider: string;
  readonly from: string;
  readonly to?: string | undefined;
  readonly kind?: string | undefined;
  readonly step?: string | undefined;
  readonly refresh?: boolean | undefined;
}

/** Make the request. @throws usage */
export function buildDownload(symbols: readonly string[], options: DownloadOptions): DownloadRequest {
  const read = DownloadRequest.safeParse({ ...options, provider: options.provider.toLowerCase(), symbols, step: options.step?.toUpperCase() });
  if (read.success) return read.data;
  const field = String(read.error.issues[0]?.path[0] ?? "");
  throw TinoError.of("usage", { reason: `${OPTIONS[field] ?? `--${field}`} is not of its form.`, verb: "data download" });
}

const OPTIONS: Record<string, string> = {
  from: "--from (a day such as 2024-01-31)",
  to: "--to (a day such as 2024-01-31)",
  step: "--step (such as 1-MINUTE or 1-DAY)",
  provider: "--provider (a name that `tino providers` lists)",
};

/**
 * Download and wait for the end. Aborting the signal cancels it; what was fetched is kept for the next time.
 * @throws what the download failed with
 */
export const downloadData = (link: EngineLink, request: DownloadRequest, signal: AbortSignal, onProgress: (job: Download) => void): Promise<Download> =>
  followJob<Download>(
    link,
    {
      start: () => link.call("startDownload", { body: request }),
      get: (id) => link.call("getDownload", { path: { id } }),
      cancel: (id) => link.call("cancelDownload", { path: { id } }),
      of: (event) => (event.type === "download.changed" ? event.download : null),
      interrupted: (reason) => TinoError.of("download_interrupted", { reason, log: "engine.log" }),
      notFound: "download_not_found",
      alreadyEnded: "download_already_ended",
    },
    signal,
    onProgress,
  );
