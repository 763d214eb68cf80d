/** A run as files for other programs and for people without tino. */
import { z } from "zod";

export const ExportFormat = z.enum(["csv", "json", "parquet", "html"]).meta({ id: "ExportFormat" });
export type ExportFormat = z.infer<typeof ExportFormat>;

/** `all` is a ZIP archive with a file for each, or with JSON one document. */
export const ExportTable = z.enum(["trades", "orders", "fills", "equity", "log", "all"]).meta({ id: "ExportTable" });
export type ExportTable = z.infer<typeof ExportTable>;

/** Query of `GET /api/backtest/{id}/export`. */
export const ExportQuery = z
  .object({
    as: ExportFormat,
    table: ExportTable.default("trades").describe("Which of the run's tables; a tearsheet (`html`) shows the whole run."),
  })
  .meta({ id: "ExportQuery" });
export type ExportQuery = z.infer<typeof ExportQuery>;

/** What a file of an export is called: `EmaCross-0a1b2c3d-trades.csv`. */
export function exportName(strategy: string, run: string, { as, table }: ExportQuery): string {
  const base = `${strategy}-${run.slice(-8)}`;
  if (as === "html") return `${base}-tearsheet.html`;
  return `${base}-${table}.${table === "all" && as !== "json" ? "zip" : as}`;
}
