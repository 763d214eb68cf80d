/** The diagnosis in the editor: the same words as `tino doctor`, and the bundle for a report as a document that is looked through before it is saved. */
import { homedir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { TinoError } from "#contracts/catalogue";
import type { Context } from "../context.ts";
import { buildBundle, bundleText } from "../diagnosis/bundle.ts";
import { reasonOf } from "../diagnosis/check.ts";
import { type Diagnosis, diagnose, repair, repairsOf, summaryOf } from "../diagnosis/diagnose.ts";
import { closingLine, MARKS, type ReportLine, repairedSentence, reportLines } from "../diagnosis/report.ts";
import { Subject } from "../diagnosis/subject.ts";
import { writePrivate } from "../supervisor/paths.ts";

const SCHEME = "tino-doctor";
const PAGE = vscode.Uri.from({ scheme: SCHEME, path: "/tino doctor" });

/** The one page of the diagnosis: read only, replaced when it is made again. */
class DoctorPage implements vscode.TextDocumentContentProvider {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  #text = "";

  provideTextDocumentContent(): string {
    return this.#text;
  }

  async show(text: string): Promise<void> {
    this.#text = text;
    this.#changed.fire(PAGE);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(PAGE), { preview: false });
  }
}

let page: DoctorPage | null = null;
function pageOf({ extension }: Context): DoctorPage {
  if (!page) {
    page = new DoctorPage();
    extension.subscriptions.push(vscode.workspace.registerTextDocumentContentProvider(SCHEME, page));
  }
  return page;
}

/** Look at everything, show it, and offer to put right what can be. */
export async function runDoctor(context: Context): Promise<void> {
  const { diagnosis } = await look(context);
  await pageOf(context).show(textOf(diagnosis));
  const repairs = repairsOf(diagnosis);
  if (repairs.length === 0) return;
  const putRight = { label: "$(wrench) Put right", detail: repairs.map(({ does }) => does).join("; ") };
  const leave = { label: "$(close) Leave as it is" };
  if ((await decide(`${summaryOf(diagnosis)} Some can be put right without a risk.`, [putRight, leave])) !== putRight) return;
  const done = repair(diagnosis);
  const after = await look(context);
  await pageOf(context).show([...done.map(repairedSentence), "", textOf(after.diagnosis)].join("\n"));
}

/** Show what a report should hold as a document, and save that document as it then is. */
export async function saveDiagnostics(context: Context): Promise<void> {
  const { diagnosis, subject } = await look(context);
  const document = await vscode.workspace.openTextDocument({ language: "json", content: bundleText(await buildBundle(subject, diagnosis)) });
  await vscode.window.showTextDocument(document, { preview: false });
  const save = { label: "$(save) Save…", detail: "What the document then holds; nothing is sent anywhere" };
  const cancel = { label: "$(discard) Cancel", detail: "Close the document and save nothing" };
  const chosen = await decide("All that would be saved. Take out what you do not want to share.", [save, cancel]);
  const target =
    chosen === save ? await vscode.window.showSaveDialog({ title: "Save diagnostics", defaultUri: place(context), filters: { JSON: ["json"] } }) : undefined;
  if (target) {
    try {
      writePrivate(target.fsPath, document.getText());
    } catch (error) {
      throw TinoError.of("file_not_written", { path: target.fsPath, reason: reasonOf(error) }, { cause: error });
    }
    vscode.window.setStatusBarMessage(`$(check) tino: saved ${target.fsPath}`, 6_000);
  }
  // Dismissed, or the dialog left: the document stays, for it is the user's by then.
  if (target || chosen === cancel) await discard(document);
}

/** Ask, and wait while the document under the question is read and changed: a notification would be gone by then. */
const decide = <Item extends vscode.QuickPickItem>(question: string, items: Item[]): Thenable<Item | undefined> =>
  vscode.window.showQuickPick(items, { title: "tino doctor", placeHolder: question, ignoreFocusOut: true });

/** An untitled document cannot be closed but through the editor, which would ask whether to save it. */
async function discard(document: vscode.TextDocument): Promise<void> {
  if (document.isClosed) return;
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
}

function look({ place }: Context): Thenable<{ diagnosis: Diagnosis; subject: Subject }> {
  const subject = new Subject(place, `${vscode.env.appName} ${vscode.version}`);
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "tino" }, async (progress) => ({
    subject,
    diagnosis: await diagnose(subject, (title) => progress.report({ message: `looking at: ${title.toLowerCase()}` })),
  }));
}

function place({ place: { clock } }: Context): vscode.Uri {
  const day = new Date(clock.now()).toISOString().slice(0, 10);
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file")?.uri.fsPath ?? homedir();
  return vscode.Uri.file(join(folder, `tino-diagnostics-${day}.json`));
}

function textOf(diagnosis: Diagnosis): string {
  const told = reportLines(diagnosis).map(({ verdict, title, tone, text }) =>
    verdict ? `${MARKS[verdict].unicode} ${title}: ${text}` : `  ${LEADS[tone]}${text}`,
  );
  return ["What the doctor found", "", ...told, "", closingLine(diagnosis).text, ""].join("\n");
}

const LEADS: Record<ReportLine["tone"], string> = { finding: "", fix: "→ ", looked: "looked at ", summary: "" };
