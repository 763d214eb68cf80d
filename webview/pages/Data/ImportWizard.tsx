/**
 * From files to stored bars in three steps: how they would be read, with every guess to be changed; on its way, with a way out;
 * what came of it. Nothing is stored before the button says so.
 */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { type DataImport, type ErrorBody, type ImportChoices, type ImportPreview, type ImportProblem, type ImportRequest, TinoError } from "#contracts";
import { asTinoError, useTransport } from "../../engine.tsx";
import { fileName, plain } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { Field } from "../../parts/Field.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Failure, Skeleton } from "../../parts/states.tsx";
import { uploadFiles } from "./upload.ts";
import { day } from "./words.ts";

type Choices = Partial<ImportChoices>;

interface Props {
  /** Where the files lie, if the host knows; else the files themselves. */
  readonly paths: readonly string[];
  readonly files: readonly File[];
  readonly onEnd: () => void;
}

export function ImportWizard({ paths, files, onEnd }: Props) {
  const transport = useTransport();
  const [sources, setSources] = useState<readonly string[] | null>(files.length === 0 ? paths : null);
  const [sent, setSent] = useState<{ done: number; total: number }>({ done: 0, total: 0 });
  const [choices, setChoices] = useState<Choices>({});
  const [preview, setPreview] = useState<ImportPreview | null>(null);
  const [error, setError] = useState<ErrorBody | null>(null);
  const [looking, setLooking] = useState(true);
  const [mode, setMode] = useState<ImportRequest["mode"]>("merge");
  const [strict, setStrict] = useState(false);
  const [job, setJob] = useState<DataImport | null>(null);
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    if (files.length === 0) return;
    const stop = new AbortController();
    setError(null);
    uploadFiles(transport, files, stop.signal, (done, total) => setSent({ done, total })).then(
      (found) => !stop.signal.aborted && setSources(found),
      (cause) => !stop.signal.aborted && setError(asTinoError(cause).body),
    );
    return () => stop.abort();
  }, [transport, files, attempt]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    if (!sources) return;
    const stop = new AbortController();
    setLooking(true);
    transport
      .call("previewImport", { body: { paths: [...sources], choices } }, stop.signal)
      .then(
        (found) => {
          setPreview(found);
          setError(null);
        },
        (cause) => !stop.signal.aborted && setError(asTinoError(cause).body),
      )
      .finally(() => !stop.signal.aborted && setLooking(false));
    return () => stop.abort();
  }, [transport, sources, choices, attempt]);

  useFollowed(job, setJob);

  const start = async () => {
    if (!sources) return;
    setError(null);
    try {
      setJob(await transport.call("startImport", { body: { paths: [...sources], choices, mode, badRows: strict ? "stop" : "leaveOut" } }));
    } catch (cause) {
      setError(asTinoError(cause).body);
    }
  };
  const cancel = () =>
    job &&
    transport.call("cancelImport", { path: { id: job.id } }).then(setJob, (cause: unknown) => {
      // It may have ended while the button was on its way down.
      if (!TinoError.is(cause, "import_already_ended")) setError(asTinoError(cause).body);
    });

  const title = sources ? (sources.length === 1 ? fileName(sources[0]!) : `${plain(sources.length, 0)} files`) : files.map(({ name }) => name).join(", ");
  return (
    <section className="wizard" aria-label="Import">
      <header className="data-head">
        <h2>Import {title}</h2>
        <span className="muted">{preview && preview.fileCount > 1 ? `${plain(preview.fileCount, 0)} files, read alike` : ""}</span>
        <span className="frame-space" />
        {job === null ? (
          <>
            <Button onClick={onEnd}>Cancel</Button>
            <Button
              look="primary"
              icon={looking ? "loading" : "cloud-upload"}
              spin={looking}
              disabled={!preview || looking || error !== null}
              onClick={() => void start()}
            >
              Import
            </Button>
          </>
        ) : job.status === "queued" || job.status === "running" ? (
          <Button icon="debug-stop" onClick={() => void cancel()}>
            Cancel import
          </Button>
        ) : (
          <>
            {job.status === "finished" ? null : <Button onClick={() => setJob(null)}>Back to the preview</Button>}
            <Button look="primary" onClick={onEnd}>
              Done
            </Button>
          </>
        )}
      </header>
      <div className="data-scroll">
        {job ? (
          <Outcome job={job} />
        ) : (
          <>
            {error ? <Failure error={error} retry={() => setAttempt(attempt + 1)} /> : null}
            {sources === null && error === null ? (
              <Progress
                label="Sending the file to the engine"
                share={sent.total > 0 ? sent.done / sent.total : 0}
                words={`${plain(sent.done / 1e6, 1)} of ${plain(sent.total / 1e6, 1)} MB`}
              />
            ) : null}
            {preview ? (
              <>
                <Layout preview={preview} choices={choices} error={error} onChange={(change) => setChoices({ ...choices, ...change })} />
                <p className="wizard-mode">
                  <label>
                    <input type="checkbox" checked={mode === "replace"} onChange={(event) => setMode(event.target.checked ? "replace" : "merge")} /> Forget
                    stored bars of these series that the files do not have
                  </label>
                  <label>
                    <input type="checkbox" checked={strict} onChange={(event) => setStrict(event.target.checked)} /> Stop at the first bad row instead of
                    leaving it out
                  </label>
                </p>
                <Found preview={preview} />
              </>
            ) : sources && error === null ? (
              <Skeleton label="Looking at the files" lines={8} />
            ) : null}
          </>
        )}
      </div>
    </section>
  );
}

/** Keep a job as it was last told; asked for once more when it may have ended unheard. */
function useFollowed(job: DataImport | null, put: (job: DataImport) => void): void {
  const transport = useTransport();
  const id = job?.id ?? null;
  const take = useRef(put);
  take.current = put;
  useEffect(() => {
    if (id === null) return;
    const ask = () =>
      void transport.call("getImport", { path: { id } }).then(
        (found) => take.current(found),
        () => undefined,
      );
    const stop = transport.onServerMessage((message) => {
      if (message.kind === "snapshot") ask();
      if (message.kind === "event" && message.event.type === "import.changed" && message.event.import.id === id) take.current(message.event.import);
    });
    ask();
    return stop;
  }, [transport, id]);
}

const ROLES = ["time", "clock", "open", "high", "low", "close", "volume"] as const;
const STEPS = ["1-SECOND", "1-MINUTE", "5-MINUTE", "15-MINUTE", "30-MINUTE", "1-HOUR", "4-HOUR", "1-DAY", "1-WEEK", "1-MONTH"];

function Layout({
  preview,
  choices,
  error,
  onChange,
}: {
  preview: ImportPreview;
  choices: Choices;
  error: ErrorBody | null;
  onChange: (change: Choices) => void;
}) {
  const { layout, columns } = preview;
  const names = columns.map(({ name }) => name);
  const at = (name: string) => (error?.field === `choices.${name}` ? error : null);
  const text = (
    name: keyof ImportChoices & string,
    label: string,
    value: string,
    help?: string,
    read: (typed: string) => Choices[keyof Choices] = (typed) => typed,
  ) => (
    <Field key={name} label={label} help={help} error={at(name)} changed={choices[name] != null} onReset={() => onChange({ [name]: null })}>
      {(control) => (
        <Typed key={value} control={control} value={value} onChange={(typed) => onChange({ [name]: typed === "" ? null : read(typed) } as Choices)} />
      )}
    </Field>
  );
  const select = (name: keyof ImportChoices & string, label: string, value: string, options: readonly (readonly [string, string])[], help?: string) => (
    <Field key={name} label={label} help={help} error={at(name)} changed={choices[name] != null} onReset={() => onChange({ [name]: null })}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onChange({ [name]: event.target.value || null } as Choices)}>
          {options.map(([key, word]) => (
            <option key={key} value={key}>
              {word}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  const same = (values: readonly string[], value: string) => [...new Set([value, ...values])].map((one) => [one, one] as const);
  const intraday = !/DAY|WEEK|MONTH/.test(layout.step);
  return (
    <div className="wizard-fields">
      {text(
        "symbol",
        "Instrument",
        layout.symbol ?? "",
        layout.symbol === null ? (layout.columns.symbol ? `By the column ${layout.columns.symbol}.` : "By the name of each file.") : undefined,
      )}
      {text("venue", "Venue", layout.venue, "Of symbols that name none.")}
      {select("step", "Length of a bar", layout.step, same(STEPS, layout.step))}
      {text("zone", "Time zone", layout.zone, "Of times that name none, and of the trading day.")}
      {intraday
        ? select("stamp", "A time is", layout.stamp, [
            ["open", "when its bar opens"],
            ["close", "when its bar closes"],
          ])
        : text("dayClose", "The day closes at", layout.dayClose)}
      {text("timeFormat", "Form of times", layout.timeFormat)}
      {ROLES.map((role) =>
        select(role, `Column of ${role === "clock" ? "the time of day" : role}`, layout.columns[role] ?? "", [
          ...(layout.columns[role] === null ? [["", "none"] as const] : []),
          ...names.map((name) => [name, name] as const),
        ]),
      )}
      {select("assetClass", "Kind", layout.assetClass, [
        ["equity", "Stock or fund"],
        ["crypto", "Coin"],
        ["fx", "Currency pair"],
      ])}
      {text("currency", "Currency", layout.currency)}
      {text("pricePrecision", "Decimals of prices", String(layout.pricePrecision), undefined, Number)}
      {text("sizePrecision", "Decimals of volumes", String(layout.sizePrecision), undefined, Number)}
      {layout.format === "csv" ? (
        <>
          {text("delimiter", "Between columns", layout.delimiter)}
          {select("decimal", "Decimal sign", layout.decimal, [
            [".", "point"],
            [",", "comma"],
          ])}
          {text("encoding", "Encoding", layout.encoding)}
        </>
      ) : null}
    </div>
  );
}

/** A text that is taken when it is left or Enter is pressed: each change reads the files anew. */
function Typed({
  control,
  value,
  onChange,
}: {
  control: { id: string; "aria-invalid": boolean; "aria-describedby": string | undefined };
  value: string;
  onChange: (typed: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const take = () => typed.trim() !== value && onChange(typed.trim());
  return (
    <input
      {...control}
      type="text"
      autoComplete="off"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
    />
  );
}

const ROWS = 12;

function Found({ preview }: { preview: ImportPreview }) {
  const { bars, columns, layout, barTypes, problems, rowsRead } = preview;
  const roles = new Map(Object.entries(layout.columns).flatMap(([role, name]) => (name === null ? [] : [[name, role]])));
  const zone = layout.zone;
  return (
    <>
      <h3>
        Becomes{" "}
        <span className="muted">
          {barTypes.join(", ")}; {plain(rowsRead, 0)} rows looked at
        </span>
      </h3>
      {bars.length > 0 ? (
        <Plain
          head={["Instrument", "Close of bar", "Open", "High", "Low", "Close", "Volume"]}
          figures={2}
          rows={bars
            .slice(0, ROWS)
            .map((bar) => [
              bar.symbol,
              /DAY|WEEK|MONTH/.test(layout.step) ? day(bar.ts, zone) : `${new Date(bar.ts).toISOString().slice(0, 16).replace("T", " ")} UTC`,
              bar.open,
              bar.high,
              bar.low,
              bar.close,
              bar.volume,
            ])}
        />
      ) : (
        <p className="muted">No row could be read as a bar. Change what is guessed wrong above.</p>
      )}
      <Problems problems={problems} />
      <h3>
        In the file <span className="muted">its first rows, as they stand there</span>
      </h3>
      <Plain
        head={columns.map(({ name }) => (roles.has(name) ? `${name} → ${roles.get(name)}` : name))}
        figures={99}
        rows={(columns[0]?.values ?? []).map((_, row) => columns.map(({ values }) => values[row] ?? ""))}
      />
    </>
  );
}

/** A few rows of text. */
function Plain({ head, rows, figures }: { head: readonly string[]; rows: readonly (readonly string[])[]; figures: number }) {
  return (
    <div className="plain-scroller">
      <table className="plain">
        <thead>
          <tr>
            {head.map((word, index) => (
              <th key={word} scope="col" className={index >= figures ? "is-figure" : undefined}>
                {word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a preview have no other name.
            <tr key={row}>
              {cells.map((cell, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: neither have their cells.
                <td key={index} className={index >= figures ? "is-figure" : undefined}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Problems({ problems }: { problems: readonly ImportProblem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="findings">
      {problems.map(({ kind, file, count, what, done, examples }) => (
        <li key={`${file} ${kind}`} data-severity="warning">
          <Icon name="warning" />
          <span>
            {plain(count, 0)} {count === 1 ? "row" : "rows"} of {fileName(file)} with {what}: {done}
            {examples.map(({ line, text }) => (
              <code key={line} className="muted finding-row">
                line {plain(line, 0)}: {text}
              </code>
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}

const PHASES = { reading: "Reading", sorting: "Putting in order", writing: "Writing" } as const;

function Outcome({ job }: { job: DataImport }): ReactNode {
  const { status, progress, series, problems, error } = job;
  if (status === "queued" || status === "running") {
    const share = progress.phase === "reading" ? (progress.bytesTotal > 0 ? progress.bytesDone / progress.bytesTotal : 0) : 1;
    return (
      <Progress
        label={status === "queued" ? "Waiting for another import" : `${PHASES[progress.phase]} ${progress.file ? fileName(progress.file) : ""}`}
        share={share}
        words={`${plain(progress.rows, 0)} rows`}
      />
    );
  }
  if (error) return <Failure error={error} />;
  return (
    <>
      <p className="wizard-done">
        <Icon name="check" />{" "}
        {plain(
          series.reduce((sum, { bars }) => sum + bars, 0),
          0,
        )}{" "}
        bars in {plain(series.length, 0)} series
      </p>
      <Plain
        head={["Series", "Outcome", "Bars", "Added", "Replaced", "From", "To"]}
        figures={2}
        rows={series.map(({ barType, outcome, bars, added, replaced, from, to }) => [
          barType,
          outcome,
          plain(bars, 0),
          plain(added, 0),
          plain(replaced, 0),
          day(from, "UTC"),
          day(to, "UTC"),
        ])}
      />
      {problems.length === 0 ? <p className="muted">Every row was as it should be.</p> : <Problems problems={problems} />}
    </>
  );
}

function Progress({ label, share, words }: { label: string; share: number; words: string }) {
  return (
    <div className="wizard-progress">
      <p>
        {label} <span className="muted">{words}</span>
      </p>
      <span className="cell-progress" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(share * 100)}>
        <span style={{ width: `${share * 100}%` }} />
      </span>
    </div>
  );
}
