/**
 * The suite that runs inside the extension host: the same for the browser's workbench (`inHost.spec.ts`) and for the desktop editor
 * (`npm run test:electron`).
 */
import * as vscode from "vscode";
import { runAll } from "./suite.ts";
import "./tests.ts";

/** Called by the editor. */
export const run = (): Promise<void> => runAll(vscode.version);
