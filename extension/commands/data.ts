/** Market data from the editor: the page, importing files, removing series. */
import * as vscode from "vscode";
import type { ConnectedContext } from "../context.ts";
import type { Surroundings } from "./command.ts";

/** What an import can read; a dialog shows these. */
const ENDINGS = ["csv", "txt", "tsv", "parquet", "gz", "zip"];

const EMPTY = { page: "data", run: null, path: null, name: null } as const;

/** Open the data page, on the instrument of a tree's node if there is one. */
export async function openData({ context, panels }: Surroundings, argument: unknown): Promise<void> {
  context.requireTrust();
  const symbol = symbolOf(argument);
  (await panels()).show(symbol === null ? EMPTY : { ...EMPTY, symbol }, { focus: true });
}

/** Show how files would be imported: those of the explorer, or of a dialog. Nothing is stored before the page is told to. */
export async function importData({ context, panels }: Surroundings, clicked: unknown, selected: unknown): Promise<void> {
  context.requireTrust();
  const given = (Array.isArray(selected) ? selected : [clicked]).filter((item): item is vscode.Uri => item instanceof vscode.Uri && item.scheme === "file");
  const chosen =
    given.length > 0
      ? given
      : await vscode.window.showOpenDialog({
          canSelectMany: true,
          openLabel: "Look at",
          title: "Import bars",
          filters: { "Bars (CSV, Parquet)": ENDINGS, "All files": ["*"] },
        });
  if (!chosen || chosen.length === 0) return;
  (await panels()).show({ ...EMPTY, files: chosen.map(({ fsPath }) => fsPath) }, { focus: true });
}

/** Remove series after a question that names them. */
export async function removeData({ client }: ConnectedContext, argument: unknown): Promise<void> {
  const { symbols } = await client.call("listSymbols");
  const asked = symbolOf(argument);
  const all = symbols.flatMap(({ coverage }) => coverage);
  const chosen =
    asked === null
      ? ((
          await vscode.window.showQuickPick(
            all.map((coverage) => ({ label: coverage.barType, description: `${coverage.bars.toLocaleString("en-US")} bars`, coverage })),
            { title: "Which series?", canPickMany: true },
          )
        )?.map(({ coverage }) => coverage) ?? [])
      : all.filter(({ barType, instrumentId }) => barType === asked || instrumentId === asked);
  if (chosen.length === 0 || !(await confirmRemoval(chosen.map(({ barType }) => barType)))) return;
  await client.call("removeData", { body: { barTypes: chosen.map(({ barType }) => barType) } });
}

/** Ask, in the editor's own dialog, whether series are to go. */
export async function confirmRemoval(barTypes: readonly string[]): Promise<boolean> {
  const title = barTypes.length === 1 ? `Remove ${barTypes[0]}?` : `Remove ${barTypes.length} series?`;
  const shown = barTypes.length > 1 ? `${barTypes.slice(0, 8).join("\n")}${barTypes.length > 8 ? "\n…" : ""}\n\n` : "";
  const remove = "Remove";
  return (
    (await vscode.window.showWarningMessage(
      title,
      { modal: true, detail: `${shown}Runs keep their results. The bars can be had back by importing them again.` },
      remove,
    )) === remove
  );
}

/** The instrument or bar type of a tree's node, or itself where somebody names one. */
function symbolOf(argument: unknown): string | null {
  if (typeof argument === "string") return argument;
  const { symbol } = (argument ?? {}) as { symbol?: unknown };
  return typeof symbol === "string" ? symbol : null;
}
