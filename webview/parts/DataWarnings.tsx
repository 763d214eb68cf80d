/** What is wrong with the data that is chosen, before it is run on: each fault with what can be done; running goes on regardless. */
import type { Adjustment, DataFix } from "#contracts";
import { useAct, useCall, useTell, useTransport } from "../engine.tsx";
import { Button } from "./Button.tsx";
import { Icon } from "./Icon.tsx";

interface Props {
  readonly symbols: readonly string[];
  readonly barType: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly adjustment: Adjustment;
  readonly onAdjustment: (adjustment: Adjustment) => void;
}

const SHOWN = 4;
const DAY = /^\d{4}-\d\d-\d\d$/;

export function DataWarnings({ symbols, barType, from, to, adjustment, onAdjustment }: Props) {
  const transport = useTransport();
  const act = useAct();
  const tell = useTell();
  const days = { from: from && DAY.test(from) ? from : null, to: to && DAY.test(to) ? to : null };
  const chosen = barType === null ? { symbols: [...symbols] } : { symbols: [], barTypes: [barType] };
  // What cannot be checked cannot be run either, and the run says why.
  const check = useCall("checkData", { body: { ...chosen, ...days, adjustment } }, { enabled: symbols.length > 0 });
  const warnings = check.data?.warnings ?? [];
  if (warnings.length === 0) return null;
  const actions = (instrumentId: string, body: { put?: { exDay: string; kind: "split"; value: number }[]; remove?: { exDay: string; kind: "split" }[] }) =>
    void transport.call("changeActions", { body: { instrumentId, ...body } }).catch(tell);
  const repair = (fix: DataFix) => {
    if (fix.kind === "adjust") onAdjustment(fix.adjustment);
    else if (fix.kind === "addSplit") actions(fix.instrumentId, { put: [{ exDay: fix.exDay, kind: "split", value: fix.value }] });
    else if (fix.kind === "removeSplit") actions(fix.instrumentId, { remove: [{ exDay: fix.exDay, kind: "split" }] });
    else act({ type: "openPage", state: { page: "data", run: null, path: null, name: null, symbol: fix.instrumentId } });
  };
  return (
    <div className="data-warnings" role="status" aria-label="Data warnings">
      <ul className="findings">
        {warnings.slice(0, SHOWN).map(({ barType: series, finding, fix }) => (
          <li key={`${series} ${finding.kind} ${finding.from}`} data-severity={finding.severity} title={series}>
            <Icon name={finding.severity === "severe" ? "error" : "warning"} />
            <span>
              {symbols.length > 1 ? `${series.split("-")[0]}: ` : ""}
              {finding.message}
            </span>
            {fix ? (
              <Button look="link" onClick={() => repair(fix)}>
                {fix.label}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      {warnings.length > SHOWN ? <p className="muted">{warnings.length - SHOWN} more on the data page.</p> : null}
    </div>
  );
}
