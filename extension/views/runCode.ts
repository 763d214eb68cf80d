/** The code that a run ran, as read-only documents: `tino-run:/<run>/<file>`, for the editor's diff editor. */
import * as vscode from "vscode";
import type { Context } from "../context.ts";

const SCHEME = "tino-run";

/** Address of one file of a run's code, by its path relative to the strategy's folder. */
export const codeUri = (run: string, name: string): vscode.Uri => vscode.Uri.from({ scheme: SCHEME, path: `/${run}/${name}` });

/** Register the documents. What a run ran never changes, so the editor need not be told of changes. */
export function offerRunCode(context: Context): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    async provideTextDocumentContent({ path }) {
      const [, run = "", ...rest] = path.split("/");
      const { client } = await context.attach();
      const { files } = await client.call("getRunCode", { path: { id: run } });
      // A file that only the other run had: this side is empty.
      return files.find(({ name }) => name === rest.join("/"))?.text ?? "";
    },
  });
}
