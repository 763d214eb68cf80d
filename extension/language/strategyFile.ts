/** Which documents are tino's business. */
import type { TextDocument } from "vscode";

/**
 * Whether a Python file uses NautilusTrader's Strategy: both words occur in it. That is cheap enough for every file that is
 * opened, catches every way to write the import, and a false alarm costs no more than an engine nobody looks at.
 */
export function mentionsStrategy(document: Pick<TextDocument, "languageId" | "uri" | "getText">): boolean {
  if (document.languageId !== "python" || document.uri.scheme !== "file") return false;
  const text = document.getText();
  return text.includes("nautilus_trader") && /\bStrategy\b/.test(text);
}
