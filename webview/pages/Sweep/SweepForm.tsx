/** What to try: a strategy, its data, which parameters and how. */
import { useEffect, useMemo, useState } from "react";
import type { CallArgs } from "#contracts";
import {
  METRICS,
  type MetricName,
  type PanelCall,
  type Parameter,
  type ParameterValue,
  type Strategy,
  type Sweep,
  type SweepPlan,
  TinoError,
} from "#contracts";
import { asTinoError, useCall, useTell, useTransport } from "../../engine.tsx";
import { Button } from "../../parts/Button.tsx";
import { Combobox } from "../../parts/Combobox.tsx";
import { DayInput } from "../../parts/DayInput.tsx";
import { Field } from "../../parts/Field.tsx";
import { ImportSample } from "../../parts/ImportSample.tsx";
import { Empty, Failure, Skeleton } from "../../parts/states.tsx";

type Request = NonNullable<CallArgs<"startSweep">["body"]>;

/** One row of the form, as typed. An empty range is that of the schema. */
interface Tried {
  readonly on: boolean;
  readonly from: string;
  readonly to: string;
  readonly step: string;
  readonly values: string;
}
const UNTRIED: Tried = { on: false, from: "", to: "", step: "", values: "" };
const PLAN_AFTER_MS = 250;
const SEARCHABLE = new Set(["integer", "number", "decimal", "boolean", "choice", "text"]);
const NUMBERS = new Set(["integer", "number", "decimal"]);

interface Props {
  readonly path: string | null;
  readonly name: string | null;
  readonly onStrategy: (strategy: Strategy) => void;
  readonly onStarted: (sweep: Sweep) => void;
}

export function SweepForm({ path, name, onStrategy, onStarted }: Props) {
  const transport = useTransport();
  const tell = useTell();
  const list = useCall("listStrategies", { query: {} });
  const symbols = useCall("listSymbols", {});
  const strategies = list.data?.strategies ?? [];
  const strategy = strategies.find((found) => found.path === path && (name === null || found.name === name)) ?? null;
  const searchable = useMemo(() => strategy?.parameters.filter(({ kind, fromData }) => !fromData && SEARCHABLE.has(kind)) ?? [], [strategy]);
  const [symbol, setSymbol] = useState<string | null>(null);
  const [from, setFrom] = useState<string | null>(null);
  const [to, setTo] = useState<string | null>(null);
  const [tried, setTried] = useState<Readonly<Record<string, Tried>>>({});
  const [where, setWhere] = useState("");
  const [method, setMethod] = useState<"grid" | "random" | "tpe">("grid");
  const [points, setPoints] = useState("");
  const [objective, setObjective] = useState<MetricName>("sharpe");
  const [second, setSecond] = useState<MetricName | "">("");
  const [pruning, setPruning] = useState(false);
  const [plan, setPlan] = useState<SweepPlan | null>(null);
  const [refusal, setRefusal] = useState<TinoError | null>(null);
  const [confirmed, setConfirmed] = useState(false);
  const [starting, setStarting] = useState(false);
  const instrument = symbol ?? symbols.data?.symbols[0]?.instrument.id ?? null;

  // The first two numbers are searched until somebody says otherwise.
  useEffect(() => {
    const usual = searchable.filter(({ kind }) => NUMBERS.has(kind)).slice(0, 2);
    setTried(Object.fromEntries(usual.map((parameter) => [parameter.name, { ...UNTRIED, on: true }])));
  }, [searchable]);

  const request = useMemo<Request | null>(() => {
    if (!strategy || !instrument) return null;
    const dimensions = searchable.flatMap((parameter) => {
      const row = tried[parameter.name];
      return row?.on ? [dimensionOf(parameter, row)] : [];
    });
    if (dimensions.length === 0) return null;
    return {
      backtest: { path: strategy.path, name: strategy.name, symbols: [instrument], from, to },
      dimensions,
      constraint: where.trim() || null,
      method,
      points: points.trim() === "" ? null : Number(points),
      objectives: [{ metric: objective }, ...(second ? [{ metric: second }] : [])],
      pruning: pruning && !second,
    };
  }, [strategy, instrument, searchable, tried, from, to, where, method, points, objective, second, pruning]);

  useEffect(() => {
    setConfirmed(false);
    if (!request) {
      setPlan(null);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      transport.call("planSweep" satisfies PanelCall, { body: request }, abort.signal).then(
        (found) => {
          setPlan(found);
          setRefusal(null);
        },
        (error) => {
          if (abort.signal.aborted) return;
          setPlan(null);
          setRefusal(asTinoError(error));
        },
      );
    }, PLAN_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [request, transport]);

  const start = async () => {
    if (!request) return;
    setStarting(true);
    try {
      onStarted(await transport.call("startSweep", { body: { ...request, confirmed } }));
    } catch (error) {
      if (TinoError.is(error, "sweep_large")) setConfirmed(false);
      tell(error);
    } finally {
      setStarting(false);
    }
  };

  if (list.isPending || symbols.isPending) return <Skeleton label="Loading strategies and data" lines={8} />;
  if (list.error) return <Failure error={list.error.body} retry={() => void list.refetch()} />;
  if (symbols.data?.symbols.length === 0)
    return (
      <Empty icon="database" title="No data yet" actions={<ImportSample />}>
        A sweep needs bars. The sample brings five US stocks.
      </Empty>
    );
  const row = (parameter: Parameter) => tried[parameter.name] ?? UNTRIED;
  const amend = (parameter: Parameter, change: Partial<Tried>) => setTried((now) => ({ ...now, [parameter.name]: { ...row(parameter), ...change } }));
  const asks = plan?.asks ?? false;
  return (
    <form
      className="sweep-form"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <Field label="Strategy">
        {(control) => (
          <Combobox
            id={control.id}
            label="Strategy"
            value={strategy ? `${strategy.path}#${strategy.name}` : null}
            placeholder="Choose a strategy"
            choices={strategies.map((found) => ({ value: `${found.path}#${found.name}`, label: found.name, detail: found.path.split(/[\\/]/).pop() ?? "" }))}
            onChoose={(key) => {
              const chosen = strategies.find((found) => `${found.path}#${found.name}` === key);
              if (chosen) onStrategy(chosen);
            }}
          />
        )}
      </Field>
      <Field label="Symbol">
        {(control) => (
          <Combobox
            id={control.id}
            label="Symbol"
            value={instrument}
            placeholder="Choose an instrument"
            choices={(symbols.data?.symbols ?? []).map(({ instrument: each }) => ({ value: each.id, label: each.id, detail: each.name ?? "" }))}
            onChoose={setSymbol}
          />
        )}
      </Field>
      <Field label="From">{(control) => <DayInput control={control} value={from} usual={null} onChange={setFrom} />}</Field>
      <Field label="To">{(control) => <DayInput control={control} value={to} usual={null} onChange={setTo} />}</Field>
      {strategy ? (
        <fieldset className="sweep-parameters">
          <legend>Parameters</legend>
          <table>
            <thead>
              <tr>
                <th scope="col">Try</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Step</th>
              </tr>
            </thead>
            <tbody>
              {searchable.map((parameter) => {
                const { on, from: low, to: high, step, values } = row(parameter);
                const known = plan?.dimensions.find((dimension) => dimension.name === parameter.name);
                const input = (field: "from" | "to" | "step", value: string, usual: number | null | undefined) => (
                  <td>
                    <input
                      inputMode="decimal"
                      aria-label={`${parameter.name}: ${field}`}
                      disabled={!on}
                      value={value}
                      placeholder={usual === null || usual === undefined ? "" : String(usual)}
                      onChange={(event) => amend(parameter, { [field]: event.target.value })}
                    />
                  </td>
                );
                return (
                  <tr key={parameter.name}>
                    <th scope="row">
                      <label title={parameter.description ?? undefined}>
                        <input type="checkbox" checked={on} onChange={(event) => amend(parameter, { on: event.target.checked })} /> {parameter.name}
                      </label>
                    </th>
                    {NUMBERS.has(parameter.kind) ? (
                      <>
                        {input("from", low, known?.from ?? parameter.minimum)}
                        {input("to", high, known?.to ?? parameter.maximum)}
                        {input("step", step, known?.step ?? parameter.multipleOf)}
                      </>
                    ) : (
                      <td colSpan={3}>
                        <input
                          aria-label={`${parameter.name}: values`}
                          disabled={!on}
                          value={values}
                          placeholder={(parameter.choices ?? (parameter.kind === "boolean" ? ["true", "false"] : ["values, by commas"])).join(", ")}
                          onChange={(event) => amend(parameter, { values: event.target.value })}
                        />
                      </td>
                    )}
                  </tr>
                );
              })}
            </tbody>
          </table>
          {searchable.length === 0 ? <p className="field-help">{strategy.name} has no parameter that could be searched.</p> : null}
        </fieldset>
      ) : null}
      <Field label="Only where">
        {(control) => (
          <input {...control} type="text" spellCheck={false} placeholder="fast < slow" value={where} onChange={(event) => setWhere(event.target.value)} />
        )}
      </Field>
      <Field label="Method">
        {(control) => (
          <select {...control} value={method} onChange={(event) => setMethod(event.target.value as typeof method)}>
            <option value="grid">Grid: every combination</option>
            <option value="random">Random</option>
            <option value="tpe">TPE: learns from each point (Optuna)</option>
          </select>
        )}
      </Field>
      <Field label="Points">
        {(control) => (
          <input
            {...control}
            inputMode="numeric"
            placeholder={method === "grid" ? "all" : "100"}
            value={points}
            onChange={(event) => setPoints(event.target.value.replace(/\D/g, ""))}
          />
        )}
      </Field>
      <Field label="Best by">{(control) => <MetricSelect control={control} value={objective} onChange={(value) => value && setObjective(value)} />}</Field>
      <Field label="And by" help={second ? "With two figures the best points are those that no other one betters in both." : undefined}>
        {(control) => <MetricSelect control={control} value={second} none="nothing else" onChange={setSecond} />}
      </Field>
      <label className="sweep-check">
        <input type="checkbox" checked={pruning && !second} disabled={second !== ""} onChange={(event) => setPruning(event.target.checked)} /> End points early
        that are worse than the median
      </label>
      {asks ? (
        <label className="sweep-check">
          <input type="checkbox" checked={confirmed} onChange={(event) => setConfirmed(event.target.checked)} /> Yes, try{" "}
          {plan?.points === null || plan === null ? "more points than are counted" : `${plan.points.toLocaleString("en")} points`}
        </label>
      ) : null}
      <Button type="submit" look="primary" icon="play" spin={false} disabled={!request || !plan || plan.points === 0 || starting || (asks && !confirmed)}>
        {plan?.points ? `Try ${plan.points.toLocaleString("en")} ${plan.points === 1 ? "point" : "points"}` : "Sweep"}
      </Button>
      {refusal ? (
        <p className="field-error" role="alert">
          {refusal.message} {refusal.hint}
        </p>
      ) : plan?.points === 0 ? (
        <p className="field-error">No combination fulfils the condition.</p>
      ) : null}
    </form>
  );
}

interface MetricSelectProps<T extends MetricName | ""> {
  readonly control: object;
  readonly value: T;
  readonly none?: string;
  readonly onChange: (value: MetricName | "") => void;
}

function MetricSelect<T extends MetricName | "">({ control, value, none, onChange }: MetricSelectProps<T>) {
  return (
    <select {...control} value={value} onChange={(event) => onChange(event.target.value as MetricName | "")}>
      {none ? <option value="">{none}</option> : null}
      {(Object.keys(METRICS) as MetricName[]).map((name) => (
        <option key={name} value={name}>
          {METRICS[name].label}
        </option>
      ))}
    </select>
  );
}

function dimensionOf(parameter: Parameter, { from, to, step, values }: Tried): Request["dimensions"][number] {
  const number = (text: string) => (text.trim() === "" ? null : Number(text));
  if (NUMBERS.has(parameter.kind)) return { name: parameter.name, from: number(from), to: number(to), step: number(step) };
  const listed: ParameterValue[] = values
    .split(",")
    .map((text) => text.trim())
    .filter(Boolean);
  return { name: parameter.name, values: listed.length > 0 ? listed : null };
}
