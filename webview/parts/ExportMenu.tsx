/** A run as files: what the engine makes of it, handed to whoever hosts the page. */
import { type ExportQuery, exportName, type RunSummary } from "#contracts";
import { useAct, useTell, useTransport } from "../engine.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

const WAYS: readonly [icon: string, label: string, wanted: ExportQuery][] = [
  ["book", "Tearsheet as HTML, one file", { as: "html", table: "trades" }],
  ["table", "Trades as CSV", { as: "csv", table: "trades" }],
  ["table", "Orders as CSV", { as: "csv", table: "orders" }],
  ["table", "Equity as CSV", { as: "csv", table: "equity" }],
  ["file-zip", "All tables as CSV, in a ZIP", { as: "csv", table: "all" }],
  ["file-zip", "All tables as Parquet, in a ZIP", { as: "parquet", table: "all" }],
  ["json", "Everything as JSON", { as: "json", table: "all" }],
];

export function ExportMenu({ run }: { run: RunSummary }) {
  const transport = useTransport();
  const act = useAct();
  const tell = useTell();
  const save = async (query: ExportQuery) => {
    try {
      const bytes = await transport.call("exportRun", { path: { id: run.id }, query });
      act({ type: "saveFile", name: exportName(run.name, run.id, query), bytes });
    } catch (error) {
      tell(error);
    }
  };
  return (
    <Menu icon="export" label="Export run">
      {WAYS.map(([icon, label, wanted]) => (
        <MenuItem key={label} icon={icon} onClick={() => void save(wanted)}>
          {label}
        </MenuItem>
      ))}
    </Menu>
  );
}
