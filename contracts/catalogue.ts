/**
 * The one error catalogue: every failure a user can meet, with what happened, what to do, the HTTP status and the exit code.
 *
 * `message` and `hint` are templates; `{name}` is filled from the error's parameters by `describe` here and by
 * `tino_engine.errors` in Python, which reads the same table. Codes never change meaning; a retired code is not reused.
 *
 * This file imports no value: `tino status` and the supervisor use it without loading zod, which alone costs as much
 * as half a start of Node.
 */
import type { ErrorBody } from "./errors.ts";

/** What a process tells its caller. Documented in `docs/errors.md`. */
export const EXIT = {
  ok: 0,
  fault: 1,
  usage: 2,
  input: 3,
  strategy: 4,
  engine: 5,
  refused: 6,
  setup: 7,
  lockBusy: 75,
  cancelled: 130,
} as const;

interface CatalogueEntry<Message extends string = string, Hint extends string = string> {
  readonly message: Message;
  readonly hint: Hint;
  readonly http: number;
  readonly exit: number;
}

const entry = <const Message extends string, const Hint extends string>(http: number, exit: number, message: Message, hint: Hint): CatalogueEntry<Message, Hint> => ({ message, hint, http, exit });

export const CATALOGUE = {
  // The engine and its clients
  engine_not_installed: entry(500, EXIT.setup, "The engine is not set up: {path} is missing.", "Run `npm start` once in the tino folder; it sets everything up."),
  engine_start_timeout: entry(504, EXIT.engine, "The engine did not start: no progress for {seconds} s while {phase}.", "See the log {log}. `tino down --force`, then try again."),
  engine_start_failed: entry(500, EXIT.engine, "The engine ended while starting ({reason}).", "See the log {log}."),
  engine_crash_loop: entry(500, EXIT.engine, "The engine ended {count} times within two minutes; it is not started again.", "See the log {log}, then choose “Start again”."),
  engine_unreachable: entry(503, EXIT.engine, "The engine (process {pid}) does not answer.", "Try again; if it stays silent, end it with `tino down --force`; the next start makes a new one."),
  engine_not_running: entry(503, EXIT.engine, "No engine is running.", "Start one with `tino up`."),
  engine_busy: entry(409, EXIT.refused, "The engine is in use: {holders}.", "Close them first, or use `tino down --force`. Traders go on in either case."),
  engine_stopping: entry(503, EXIT.engine, "The engine is shutting down.", "Try again in a moment; a new one is started when needed."),
  engine_too_old: entry(426, EXIT.refused, "An older engine runs: process {pid}, version {version}, protocol {engine}; this program speaks protocol {client}. {use}", "It makes room when nobody uses it. Or restart it: `tino down --force`, then `tino up`. Traders go on in either case."),
  engine_too_new: entry(426, EXIT.refused, "A newer engine runs: process {pid}, version {version}, protocol {engine}; this program speaks only protocol {client}.", "Update this program, or reload the window if it was just updated. The engine is left as it is."),
  engine_impostor: entry(502, EXIT.engine, "Port {port} answers, but not as the engine that wrote {path}.", "Nothing was sent to it. `tino down --force` clears the stale file."),
  port_in_use: entry(500, EXIT.engine, "Port {port} is taken{holder}.", "Choose another with --port, or leave it out: tino then takes a free one."),
  run_directory_unsafe: entry(500, EXIT.refused, "The run directory {path} is not private: {reason}.", "Make it yours alone (mode 700, not a link), or set TINO_HOME to another place."),
  bootstrap_invalid: entry(400, EXIT.engine, "The engine refused its start message: {reason}.", "Program and engine are of different versions; reinstall tino."),
  setup_failed: entry(500, EXIT.setup, "Set-up stopped at “{step}”: {reason}.", "{hint}"),

  // Requests
  unauthorized: entry(401, EXIT.refused, "This request carries no valid token.", "Open the page again with `tino open`."),
  token_wrong: entry(403, EXIT.refused, "The token is not that of the running engine.", "Open the page again with `tino open`; other programs read the new token by themselves."),
  forbidden: entry(403, EXIT.refused, "This session may not do that.", "Use the editor or a terminal for it."),
  foreign_origin: entry(403, EXIT.refused, "The request came from another site.", "Open the dashboard with `tino open`."),
  not_found: entry(404, EXIT.input, "There is nothing at {path}.", "Check the address."),
  method_not_allowed: entry(405, EXIT.usage, "{method} is not possible at {path}.", "See the API description in docs/api.md."),
  request_invalid: entry(422, EXIT.usage, "The request is not well formed: {reason}.", "Correct the named field and send it again."),
  request_timeout: entry(504, EXIT.engine, "The engine did not answer {call} within {seconds} s.", "Try again; if it stays silent, restart the engine."),
  request_too_large: entry(413, EXIT.usage, "The request is larger than {limit} bytes.", "Send less at once."),
  unsupported_media: entry(415, EXIT.usage, "The body is not JSON.", "Send it as application/json."),
  code_expired: entry(403, EXIT.refused, "This one-time address has been used or has expired.", "Run `tino open` for a new one."),
  internal: entry(500, EXIT.fault, "Something failed inside tino ({reference}).", "The log has the details: {log}. If you report it, `tino doctor --bundle report.json` puts together what is needed."),

  // Strategies
  strategy_file_not_found: entry(404, EXIT.input, "There is no file {path}.", "Check the path; it is relative to the folder you are in."),
  strategy_file_unreadable: entry(400, EXIT.input, "{path} cannot be read: {reason}.", "Check its permissions and that it is saved as UTF-8."),
  strategy_syntax_error: entry(400, EXIT.input, "{path}:{line}: {reason}.", "Correct the line; nothing was run."),
  strategy_not_found: entry(400, EXIT.input, "{path} holds no class derived from Strategy.", "Derive one from nautilus_trader.trading.Strategy, or name another file."),
  strategy_class_not_found: entry(400, EXIT.input, "{path} has no strategy {name}; it holds {available}.", "Name one of those with --class."),
  strategy_ambiguous: entry(400, EXIT.input, "{path} holds more than one strategy: {available}.", "Name one with --class, or press the lens above it."),
  strategy_import_failed: entry(400, EXIT.strategy, "{path} could not be loaded: {reason}.", "Correct the line it names; the run ended before the first bar."),
  strategy_failed: entry(400, EXIT.strategy, "{name}.{callback} raised {reason}.", "The run’s log has the whole traceback; in the editor, Problems marks the line."),
  strategy_unresponsive: entry(400, EXIT.cancelled, "{name} did not come back from a callback and was stopped.", "Look for a loop without an end at the line the log names."),
  workspace_untrusted: entry(403, EXIT.refused, "{path} is not inside a trusted folder.", "Trust the folder in the editor, or run it from a terminal in that folder."),

  // Parameters
  parameter_unknown: entry(422, EXIT.input, "{strategy} has no parameter {name}; it has {available}.", "Check the spelling."),
  parameter_missing: entry(422, EXIT.input, "{strategy} needs a value for {name}.", "Give it with --param {name}=…, or set a default in the config class."),
  parameter_invalid: entry(422, EXIT.input, "{name} must be {expected}, not {value}.", "Correct the value."),
  parameter_out_of_range: entry(422, EXIT.input, "{name} = {value} is outside {range}.", "Choose a value inside the range."),
  parameter_unsupported: entry(422, EXIT.input, "{config}.{name} is a {annotation}, which cannot be filled in from outside.", "Give it a default, or use int, float, Decimal, bool, str, Literal, an Enum, InstrumentId or BarType."),

  // Data
  symbol_unknown: entry(404, EXIT.input, "The catalog holds no instrument {symbol}{near}.", "Import its data first; `tino demo` brings the sample."),
  bar_type_unknown: entry(404, EXIT.input, "The catalog holds no bars {barType}{near}.", "Import them first; `tino demo` brings the sample."),
  instrument_invalid: entry(422, EXIT.input, "{instrument} is not an instrument id.", "An instrument id reads like AAPL.XNAS."),
  bar_type_invalid: entry(422, EXIT.input, "{barType} is not a bar type.", "A bar type reads like AAPL.XNAS-1-DAY-LAST-EXTERNAL."),
  data_missing: entry(404, EXIT.input, "No data for {barType} between {from} and {to}.", "The catalog has {coverage}. Choose a range inside it, or import more."),
  range_invalid: entry(422, EXIT.input, "The range starts {from} and ends {to}, before it starts.", "Exchange the two dates."),
  data_corrupt: entry(500, EXIT.input, "The stored data of {barType} cannot be read: {reason}.", "Import it again; `tino demo` restores the sample."),
  data_doubtful: entry(409, EXIT.refused, "{fault}{more}", "Run it without --strict to go on, or put the data right: `tino data check` says what is wrong."),
  watchlist_unknown: entry(404, EXIT.input, "There is no watchlist {name}{near}.", "`tino data watchlist` lists them."),
  resample_not_coarser: entry(422, EXIT.input, "{barType} cannot be resampled to {step}: its bars must fit into the coarser ones as a whole.", "Choose a longer step that they fit into, such as 5-MINUTE, 1-DAY, 1-WEEK or 1-MONTH."),

  // Imports
  import_file_not_found: entry(404, EXIT.input, "There is no file or folder {path}.", "Check the path."),
  import_file_unreadable: entry(422, EXIT.input, "{path} cannot be read: {reason}.", "Check that the file is whole, and that it is CSV or Parquet, plain or in .gz or .zip."),
  import_no_files: entry(422, EXIT.input, "{path} holds no file that could be imported.", "Files end in .csv, .txt, .tsv or .parquet, or with .gz or .zip after it."),
  import_too_many_files: entry(422, EXIT.input, "{path} holds more than {limit} files.", "Name a smaller folder."),
  import_encoding: entry(422, EXIT.input, "{path} is not {encoding}: line {line} cannot be read.", "Choose another encoding, such as cp1252 or utf-16."),
  import_zones_mixed: entry(422, EXIT.input, "{path}, line {line}: some times name a zone and others do not.", "Make them alike: nobody can tell what the others mean."),
  import_column_unknown: entry(422, EXIT.input, "{path} has no column for {column}; it has {available}.", "Say which column it is."),
  import_layout_invalid: entry(422, EXIT.input, "The file cannot be read like this: {reason}.", "Correct the named choice."),
  import_symbol_unknown: entry(422, EXIT.input, "{path} does not say which instrument it holds.", "Name it, such as AAPL.XNAS."),
  import_step_unknown: entry(422, EXIT.input, "{path} does not tell how long a bar is.", "Say it, such as 1-MINUTE or 1-DAY."),
  import_no_rows: entry(422, EXIT.input, "{path} holds no row that could be read as a bar{reason}.", "Look at the preview, and say what is guessed wrong."),
  import_row_invalid: entry(422, EXIT.input, "{path}, line {line}: {reason}.", "Correct the row, or let such rows be left out. Nothing was stored."),
  import_precision: entry(422, EXIT.input, "{instrument} is stored with {stored} decimals, these prices have {wanted}.", "Import with {stored} decimals, or remove the instrument’s other series first."),
  import_class_other: entry(422, EXIT.input, "{instrument} is stored as {stored}, not as {wanted}.", "Name another instrument, or remove its series first."),
  import_known_missing: entry(422, EXIT.input, "{path} does not say when its figures became known.", "Add a column such as known_on, or say after how many days they are taken to be known: figures dated to the end of their period show the future."),
  upload_unknown: entry(404, EXIT.input, "The upload of {name} is not complete.", "Start it again."),
  import_not_found: entry(404, EXIT.input, "There is no import {id}.", "Imports are listed until the engine ends."),
  import_already_ended: entry(409, EXIT.refused, "Import {id} has already ended ({status}).", "Nothing to cancel."),
  import_cancelled: entry(409, EXIT.cancelled, "The import was cancelled.", "Start it again when you like; nothing was stored."),
  import_interrupted: entry(503, EXIT.engine, "The process of the import ended ({reason}).", "Start it again; nothing was stored. If it happens twice, see the log {log}."),

  // Providers, downloads and keys
  provider_unknown: entry(404, EXIT.input, "There is no provider {provider}{near}.", "`tino providers` lists them."),
  provider_kind_missing: entry(422, EXIT.input, "{provider} has no {kind}; it has {available}.", "Choose one of these, or another provider."),
  provider_symbol_unknown: entry(404, EXIT.input, "{provider} does not know {symbol}{near}.", "`tino providers {provider} --search TEXT` finds symbols as it writes them."),
  provider_key_missing: entry(401, EXIT.refused, "{provider} wants a key, and none is set.", "Set it with `tino keys set {provider}`, or with the command “tino: Set API key” in the editor."),
  provider_key_refused: entry(401, EXIT.refused, "{provider} refused the key: {reason}.", "Check that it is valid and allows this data, and set it again with `tino keys set {provider}`."),
  provider_rate_limited: entry(429, EXIT.engine, "{provider} has been refusing requests as too many for {seconds} s.", "What was fetched is kept. Start the download again later; it goes on where it stopped."),
  provider_down: entry(502, EXIT.engine, "{provider} does not answer as it should: {reason}.", "What was fetched is kept. Start the download again later; it goes on where it stopped."),
  provider_answer_truncated: entry(502, EXIT.engine, "The answers of {provider} break off before their end ({reason}).", "What was fetched is kept. Start the download again; it goes on where it stopped."),
  provider_range_empty: entry(404, EXIT.input, "{provider} has no {kind} of {symbol} from {from} to {to}.", "Choose another range; exchanges often keep short bars for a few weeks only."),
  provider_failed: entry(502, EXIT.fault, "The provider {provider} failed: {reason}.", "See the log {log}. If the provider is a package of your own, look at its code."),
  provider_data_invalid: entry(502, EXIT.fault, "What {provider} gave for {symbol} cannot be stored: {reason}.", "Nothing of it was stored. `tino doctor --bundle FILE` saves what a report should hold."),
  download_not_found: entry(404, EXIT.input, "There is no download {id}.", "Downloads are listed until the engine ends."),
  download_already_ended: entry(409, EXIT.refused, "Download {id} has already ended ({status}).", "Nothing to cancel."),
  download_cancelled: entry(409, EXIT.cancelled, "The download was cancelled.", "What was fetched is kept. Start it again when you like; it goes on where it stopped."),
  download_interrupted: entry(503, EXIT.engine, "The process of the download ended ({reason}).", "What was fetched is kept. Start it again; if it happens twice, see the log {log}."),
  key_not_found: entry(404, EXIT.input, "No key is set for {name}.", "`tino keys` lists those that are."),
  keychain_failed: entry(500, EXIT.fault, "The system’s keychain did not answer as it should: {reason}.", "Unlock it, and try again."),
  catalog_remote_failed: entry(502, EXIT.engine, "{uri} cannot be used for the catalog: {reason}.", "Check the address, the network and the credentials; `docs/data.md` says where they are looked for."),

  // Runs
  run_not_found: entry(404, EXIT.input, "There is no run {id}.", "`tino runs` lists them."),
  run_not_finished: entry(409, EXIT.refused, "Run {id} has no result: it is {status}.", "Wait for it, or start it again."),
  run_already_ended: entry(409, EXIT.refused, "Run {id} has already ended ({status}).", "Nothing to cancel."),
  run_code_missing: entry(404, EXIT.input, "The code of run {id} is not there: {reason}.", "Run it again: every run keeps a copy of its code."),
  run_not_ended: entry(409, EXIT.refused, "Run {id} has not ended: it is {status}.", "Cancel it first, or wait for it."),
  pages_not_built: entry(500, EXIT.setup, "The pages are not built: {path} is missing.", "Run `npm start` once in the tino folder; it sets everything up."),
  run_not_reproducible: entry(409, EXIT.refused, "Run {id} cannot be reproduced: {reason}.", "Run it again instead."),
  requirements_failed: entry(400, EXIT.setup, "The packages of {path} could not be installed: {reason}.", "Correct the file, or look at the network; what the engine brings itself needs no line there."),
  requirements_conflict: entry(400, EXIT.setup, "{path} wants {wanted}, and the engine runs with {own}.", "Loosen the line so that the engine’s version fits."),
  run_cancelled: entry(409, EXIT.cancelled, "The run was cancelled.", "Start it again when you like; nothing was stored."),
  run_interrupted: entry(503, EXIT.engine, "The engine ended while the run was under way.", "Start it again; nothing was stored."),
  series_not_found: entry(404, EXIT.input, "Run {id} has no series {series}.", "It has {available}."),
  worker_died: entry(500, EXIT.fault, "The process of the run ended ({reason}).", "Start it again. If it happens twice, see the log {log}."),
  worker_start_failed: entry(500, EXIT.fault, "The process for the run could not be started: {reason}.", "See the log {log}."),
  disk_full: entry(507, EXIT.fault, "The disk is full; the result could not be written to {path}.", "Free some space and run it again. Earlier results are untouched."),
  result_unreadable: entry(500, EXIT.fault, "The result of run {id} cannot be read: {reason}.", "Run it again; the entry keeps its parameters."),
  database_failed: entry(500, EXIT.fault, "The database {path} cannot be used: {reason}.", "See the log {log}; a copy of the file is kept beside it."),

  // Searches
  sweep_not_found: entry(404, EXIT.input, "There is no sweep {id}.", "`tino sweeps` lists them."),
  sweep_empty: entry(422, EXIT.input, "The sweep has no points: {reason}.", "Widen a range or loosen the constraint."),
  sweep_large: entry(409, EXIT.refused, "The sweep has {points} points, and more than {limit} are asked about.", "Narrow the ranges, try a part of them (--points), or confirm it (--yes)."),
  sweep_dimension_invalid: entry(422, EXIT.input, "{name} cannot be searched: {reason}.", "Name values, or a range from a number to a greater one."),
  sweep_constraint_invalid: entry(422, EXIT.input, "The constraint “{constraint}” cannot be used: {reason}.", "Compare parameters, numbers and text with < <= > >= == != and or not + - * / // % abs min max."),
  sweep_already_ended: entry(409, EXIT.refused, "Sweep {id} has already ended ({status}).", "Nothing to stop."),
  sweep_not_resumable: entry(409, EXIT.refused, "Sweep {id} cannot be resumed: it is {status}.", "Sweeps that were stopped, were interrupted or have failed can be."),
  sweep_under_way: entry(409, EXIT.refused, "Sweep {id} is under way.", "Stop it first."),
  sweep_code_changed: entry(409, EXIT.refused, "{path}, or what it imports, was changed since the sweep began.", "Start a new sweep: the points of two programs cannot be compared."),
  sweep_data_changed: entry(409, EXIT.refused, "The data of the sweep was changed since it began.", "Start a new sweep: the points of different data cannot be compared."),
  sweep_without_result: entry(400, EXIT.strategy, "No point of the sweep was finished: {failed} failed, {pruned} were pruned. {reason}", "Run one of its points as a backtest to see why."),
  sweep_interrupted: entry(503, EXIT.engine, "The engine ended while the sweep was under way.", "Resume it with `tino sweep resume`; points that have ended are not run again."),
  sweep_workers_failed: entry(500, EXIT.fault, "Process after process of the sweep ended ({reason}).", "See the log {log}. With --workers 1 or less memory for other programs it may go on: `tino sweep resume`."),

  // Validation
  validation_not_found: entry(404, EXIT.input, "There is no validation {id}.", "`tino validations` lists them."),
  validation_already_ended: entry(409, EXIT.refused, "Validation {id} has already ended ({status}).", "Nothing to cancel."),
  validation_cancelled: entry(409, EXIT.cancelled, "The validation was cancelled.", "Start it again when you like."),
  validation_interrupted: entry(503, EXIT.engine, "The engine ended while the validation was under way.", "Start it again."),
  validation_too_short: entry(422, EXIT.input, "{what} needs {needed} days with bars, and there are {days}.", "Choose a longer range, or shorter windows."),
  validation_without_result: entry(422, EXIT.strategy, "There is nothing to judge: {reason}.", "Look at the strategy in a single run first."),
  cluster_unreachable: entry(503, EXIT.engine, "The Dask scheduler {address} does not answer ({reason}).", "Start it, or check the address. Without --cluster the same runs on this machine."),
  cluster_unfit: entry(503, EXIT.engine, "The Dask cluster {address} cannot run this: {reason}.", "Its workers need the same tino, and see the same files. Without --cluster the same runs on this machine."),

  // Terminal
  usage: entry(400, EXIT.usage, "{reason}", "`tino {verb} --help` shows how it is used."),
  terminal_required: entry(400, EXIT.refused, "This needs a terminal to ask in.", "Run it in a terminal, or give the answer as an option."),
  file_not_written: entry(500, EXIT.fault, "{path} cannot be written: {reason}.", "Name a file that does not exist yet, in a folder that you may write to."),
  browser_not_opened: entry(500, EXIT.fault, "No browser could be opened ({reason}).", "Open the address yourself: {url}"),
} as const satisfies Record<string, CatalogueEntry>;

/** A code of the catalogue. */
export type Code = keyof typeof CATALOGUE;

type NamesIn<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

/** What fills the sentences of an entry: exactly the names that stand in braces. */
export type Filling<C extends Code> = Record<NamesIn<(typeof CATALOGUE)[C]["message"] | (typeof CATALOGUE)[C]["hint"]>, string | number>;

/** Fill a catalogue entry. Unfilled names stay visible in braces: a missing parameter is a fault worth seeing. */
export function describe(code: Code, parameters: Record<string, string | number> = {}): { message: string; hint: string } {
  const fill = (template: string) => template.replace(/\{(\w+)\}/g, (whole, name) => (name in parameters ? String(parameters[name]) : whole));
  return { message: fill(CATALOGUE[code].message), hint: fill(CATALOGUE[code].hint) };
}

type Rest = Partial<Omit<ErrorBody, "code">> & { cause?: unknown };

/** The one error type of every TypeScript room. */
export class TinoError extends Error {
  readonly code: Code;
  readonly body: ErrorBody;
  constructor(body: ErrorBody, options?: ErrorOptions) {
    super(body.message, options);
    this.name = "TinoError";
    this.code = body.code;
    this.body = body;
  }
  get hint(): string {
    return this.body.hint;
  }
  get exitCode(): number {
    return CATALOGUE[this.code].exit;
  }
  /** Build from the catalogue. */
  static of<C extends Code>(code: C, ...[parameters, rest = {}]: object extends Filling<C> ? [parameters?: Filling<C>, rest?: Rest] : [parameters: Filling<C>, rest?: Rest]): TinoError {
    const { cause, ...fields } = rest;
    const body: ErrorBody = { code, ...describe(code, parameters), location: null, traceback: [], field: null, ...fields };
    return new TinoError(body, cause === undefined ? undefined : { cause });
  }
  static is(error: unknown, code?: Code): error is TinoError {
    return error instanceof TinoError && (code === undefined || error.code === code);
  }
}
