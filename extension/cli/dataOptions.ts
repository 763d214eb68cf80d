/** What `tino data import` may be told; apart from what it does, so that help is printed without loading that. */
import { type Command, Option } from "commander";

/** The options of `tino data import`. */
export function addImportOptions(command: Command): Command {
  return command
    .argument("<file...>", "CSV or Parquet files, .gz, .zip, or folders of them")
    .option("--preview", "show how they would be read, and store nothing")
    .option("-s, --symbol <id>", "instrument, such as AAPL.XNAS; by the file's name without it")
    .option("--venue <venue>", "venue of symbols that name none")
    .option("--step <step>", "length of a bar, such as 1-MINUTE or 1-DAY")
    .option("--zone <zone>", "IANA zone of times that name none, such as America/New_York")
    .addOption(new Option("--stamp <what>", "what a time is of its bar").choices(["open", "close"]))
    .option("--day-close <time>", "when the trading day ends: the time of daily bars")
    .option("--columns <role=name,…>", "columns: time, clock, open, high, low, close, volume, symbol")
    .option("--time-format <format>", "iso, seconds, milliseconds, …, or a pattern such as %d.%m.%Y %H:%M")
    .option("--delimiter <sign>", "sign between columns, or tab")
    .option("--decimal <sign>", "decimal point or comma")
    .option("--thousands <sign>", "sign between groups of digits")
    .option("--encoding <name>", "such as cp1252 or utf-16")
    .option("--skip-lines <number>", "lines before the header")
    .option("--no-header", "the first row is data; columns are named 1, 2, …")
    .addOption(new Option("--class <class>", "kind of instrument").choices(["equity", "crypto", "fx"]))
    .option("--currency <code>", "currency of the prices")
    .option("--precision <digits>", "decimals of prices")
    .option("--size-precision <digits>", "decimals of volumes")
    .option("--replace", "forget stored bars of the series that the files do not have")
    .option("--strict", "stop at the first bad row instead of leaving it out");
}
