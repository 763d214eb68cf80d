/** From a provider to stored series: what to fetch, on its way with a way out, what came of it. What was fetched is kept whatever happens. */
import { useEffect, useMemo, useRef, useState } from "react";
import { type DataKind, type DownloadRequest, type ErrorBody, type Download as Job, type Provider, TinoError } from "#contracts";
import { asTinoError, useCall, useTransport } from "../../engine.tsx";
import { plain } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { Combobox } from "../../parts/Combobox.tsx";
import { DayInput } from "../../parts/DayInput.tsx";
import { Field } from "../../parts/Field.tsx";
import { Failure, Skeleton } from "../../parts/states.tsx";

const KINDS: Record<DataKind, string> = { bars: "Bars", trades: "Trades", quotes: "Best bid and ask", deltas: "Changes of the order book" };
const YEAR_MS = 365 * 86_400_000;
const SEARCH_DELAY_MS = 300;

const yearAgo = (): string => new Date(Date.now() - YEAR_MS).toISOString().slice(0, 10);

export function Download({ onEnd }: { onEnd: () => void }) {
  const transport = useTransport();
  const list = useCall("listProviders", {});
  const [name, setName] = useState("yahoo");
  const [symbols, setSymbols] = useState("");
  const [kind, setKind] = useState<DataKind>("bars");
  const [step, setStep] = useState("1-DAY");
  const [from, setFrom] = useState<string | null>(null);
  const [to, setTo] = useState<string | null>(null);
  const [refresh, setRefresh] = useState(false);
  const [error, setError] = useState<ErrorBody | null>(null);
  const [job, setJob] = useState<Job | null>(null);
  useFollowed(job, setJob);

  const provider = list.data?.providers.find((one) => one.name === name) ?? null;
  // Of another provider the first kind and a step that it has stand for what was chosen before.
  const chosenKind = provider?.kinds.includes(kind) ? kind : (provider?.kinds[0] ?? "bars");
  const chosenStep = provider?.steps.includes(step) ? step : provider?.steps.includes("1-DAY") ? "1-DAY" : (provider?.steps[0] ?? "1-DAY");
  const wanted = symbols.split(/[,;\s]+/).filter(Boolean);

  if (list.error) return <Failure error={list.error.body} retry={() => void list.refetch()} />;
  if (!list.data || !provider) return <Skeleton label="Asking for providers" lines={8} />;

  const start = async () => {
    setError(null);
    const body: DownloadRequest = { provider: name, symbols: wanted, kind: chosenKind, step: chosenStep, from: from ?? yearAgo(), to, refresh };
    try {
      setJob(await transport.call("startDownload", { body }));
    } catch (cause) {
      setError(asTinoError(cause).body);
    }
  };
  const cancel = () =>
    job &&
    transport.call("cancelDownload", { path: { id: job.id } }).then(setJob, (cause: unknown) => {
      // It may have ended while the button was on its way down.
      if (!TinoError.is(cause, "download_already_ended")) setError(asTinoError(cause).body);
    });
  const going = job !== null && job.endedAt === null;
  const at = (field: string) => (error?.field === field ? error : null);

  return (
    <section className="wizard" aria-label="Download">
      <header className="data-head">
        <h2>Download{job ? ` from ${provider.title}` : ""}</h2>
        <span className="frame-space" />
        {job === null ? (
          <>
            <Button onClick={onEnd}>Cancel</Button>
            <Button look="primary" icon="cloud-download" disabled={wanted.length === 0} onClick={() => void start()}>
              Download
            </Button>
          </>
        ) : going ? (
          <Button icon="debug-stop" onClick={() => void cancel()}>
            Cancel download
          </Button>
        ) : (
          <>
            <Button onClick={() => setJob(null)}>{job.status === "finished" ? "Download more" : "Back"}</Button>
            <Button look="primary" onClick={onEnd}>
              Done
            </Button>
          </>
        )}
      </header>
      <div className="data-scroll">
        {job ? (
          <Outcome job={job} retry={() => void start()} />
        ) : (
          <>
            {error && !error.field ? <Failure error={error} retry={() => void start()} /> : null}
            <div className="wizard-fields">
              <Field label="Provider" help={provider.note} error={at("provider")}>
                {(control) => (
                  <Combobox
                    id={control.id}
                    label="Provider"
                    describedBy={control["aria-describedby"]}
                    value={name}
                    choices={list.data.providers.map((one) => ({ value: one.name, label: one.title, detail: `${one.name} · ${one.kinds.join(", ")}` }))}
                    onChoose={setName}
                  />
                )}
              </Field>
              <Field label="Symbols" help={`As ${provider.title} writes them, such as ${provider.example}; several with spaces between.`} error={at("symbols")}>
                {(control) => <SymbolsInput control={control} provider={provider} value={symbols} onChange={setSymbols} />}
              </Field>
              {provider.kinds.length > 1 ? (
                <Field label="What" error={at("kind")}>
                  {(control) => (
                    <select {...control} value={chosenKind} onChange={(event) => setKind(event.target.value as DataKind)}>
                      {provider.kinds.map((one) => (
                        <option key={one} value={one}>
                          {KINDS[one]}
                        </option>
                      ))}
                    </select>
                  )}
                </Field>
              ) : null}
              {chosenKind === "bars" ? (
                <Field label="Length of a bar" error={at("step")}>
                  {(control) => (
                    <select {...control} value={chosenStep} onChange={(event) => setStep(event.target.value)}>
                      {provider.steps.map((one) => (
                        <option key={one} value={one}>
                          {one}
                        </option>
                      ))}
                    </select>
                  )}
                </Field>
              ) : null}
              <Field label="First day" error={at("from")}>
                {(control) => <DayInput control={control} value={from} usual={yearAgo()} onChange={setFrom} />}
              </Field>
              <Field label="Last day" help="Today without one." error={at("to")}>
                {(control) => <DayInput control={control} value={to} usual={null} onChange={setTo} />}
              </Field>
            </div>
            <p className="wizard-mode">
              <label>
                <input type="checkbox" checked={refresh} onChange={(event) => setRefresh(event.target.checked)} /> Fetch again what was fetched before
              </label>
            </p>
            {provider.key === "required" && !provider.keySet ? (
              <p className="muted">
                {provider.title} wants a key. Set it with the command “tino: Set API key…” or with <code>tino keys set {provider.name}</code>.
              </p>
            ) : null}
          </>
        )}
      </div>
    </section>
  );
}

/** A text in which the word that is being typed is searched for at the provider. */
function SymbolsInput({
  control,
  provider,
  value,
  onChange,
}: {
  control: { id: string; "aria-invalid": boolean; "aria-describedby": string | undefined };
  provider: Provider;
  value: string;
  onChange: (value: string) => void;
}) {
  const last = value.split(/[,;\s]+/).at(-1) ?? "";
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(last), SEARCH_DELAY_MS);
    return () => clearTimeout(timer);
  }, [last]);
  // A provider that cannot be searched can still be downloaded from: the download itself says what is wrong.
  const found = useCall(
    "searchProvider",
    { path: { provider: provider.name }, query: { text: asked, limit: 20 } },
    { enabled: asked.length > 1, staleTime: 600_000 },
  );
  const before = value.slice(0, value.length - last.length);
  const options = useMemo(() => (asked === last ? (found.data?.symbols ?? []) : []), [asked, last, found.data]);
  return (
    <>
      <input
        {...control}
        type="text"
        list={`${control.id}-symbols`}
        autoComplete="off"
        spellCheck={false}
        placeholder={provider.example}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={`${control.id}-symbols`}>
        {options.map(({ symbol, name, venue }) => (
          <option key={symbol} value={`${before}${symbol}`}>
            {[name, venue].filter(Boolean).join(" · ")}
          </option>
        ))}
      </datalist>
    </>
  );
}

function Outcome({ job, retry }: { job: Job; retry: () => void }) {
  const { progress, series, error, status } = job;
  if (status === "queued" || status === "running") {
    const share = progress.partsTotal > 0 ? progress.partsDone / progress.partsTotal : 0;
    const words = progress.reason ?? (progress.phase === "storing" ? "Storing" : `${plain(progress.rows, 0)} rows`);
    return (
      <div className="wizard-progress" role="status">
        {progress.symbol ?? job.request.symbols[0]} <span className="muted">{words}</span>
        <progress className="cell-progress" max={1} value={share} aria-label="Downloaded" />
      </div>
    );
  }
  return (
    <>
      {error ? <Failure error={error} retry={retry} /> : null}
      {series.length > 0 ? (
        <div className="plain-scroller">
          <table className="plain">
            <thead>
              <tr>
                <th>Series</th>
                <th>Outcome</th>
                <th>Rows</th>
                <th>From</th>
                <th>To</th>
              </tr>
            </thead>
            <tbody>
              {series.map((one) => (
                <tr key={`${one.symbol}-${one.kind}`} title={one.notes.join("\n") || undefined}>
                  <td>{one.barType ?? `${one.instrumentId} ${one.kind}`}</td>
                  <td>{one.outcome}</td>
                  <td>{plain(one.rows, 0)}</td>
                  <td>{new Date(one.from).toISOString().slice(0, 10)}</td>
                  <td>{new Date(one.to).toISOString().slice(0, 10)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {series.flatMap((one) => one.notes.map((note) => <p key={`${one.symbol}${note}`} className="muted">{`${one.symbol}: ${note}`}</p>))}
        </div>
      ) : null}
    </>
  );
}

/** Keep a job as it was last told; asked for once more when it may have ended unheard. */
function useFollowed(job: Job | null, put: (job: Job) => void): void {
  const transport = useTransport();
  const id = job?.id ?? null;
  const take = useRef(put);
  take.current = put;
  useEffect(() => {
    if (id === null) return;
    const ask = () =>
      void transport.call("listDownloads", {}).then(
        ({ downloads }) => {
          const found = downloads.find((one) => one.id === id);
          if (found) take.current(found);
        },
        () => undefined,
      );
    const stop = transport.onServerMessage((message) => {
      if (message.kind === "snapshot") ask();
      if (message.kind === "event" && message.event.type === "download.changed" && message.event.download.id === id) take.current(message.event.download);
    });
    ask();
    return stop;
  }, [transport, id]);
}
