/** The HTML of a panel: the built page under a policy that lets it load its own files and nothing else. Pure. */
import { z } from "zod";

/** The part of Vite's manifest that a panel needs. */
export const PageManifest = z.object({
  "index.html": z.object({ file: z.string(), css: z.array(z.string()).default([]), imports: z.array(z.string()).default([]) }),
});
export type PageManifest = z.infer<typeof PageManifest>;

export interface PageAddresses {
  /** Source expression of the panel's own files. */
  readonly cspSource: string;
  /** Address of a built file. */
  readonly addressOf: (file: string) => string;
}

/**
 * Scripts come from built files only, never inline, and there is no `connect-src`: the page reaches the engine by messages.
 * Inline styles are the chart's, which sets them on its elements.
 */
export function pageHtml(manifest: PageManifest, { cspSource, addressOf }: PageAddresses): string {
  const { file, css } = manifest["index.html"];
  const policy = [
    "default-src 'none'",
    `script-src ${cspSource}`,
    `style-src ${cspSource} 'unsafe-inline'`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} data: blob:`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return documentOf(
    policy,
    css.map((name) => `<link rel="stylesheet" href="${escaped(addressOf(name))}">`).join("\n    "),
    `<div id="root"></div>\n    <script type="module" src="${escaped(addressOf(file))}"></script>`,
  );
}

/** A panel without a page: why, and one thing to do about it, as a link to a command. */
export function noticeHtml(title: string, text: string, link: { readonly command: string; readonly label: string }): string {
  return documentOf(
    "default-src 'none'; style-src 'unsafe-inline'",
    "<style>body { padding: 2rem; } h1 { font-size: 1.3em; font-weight: 600; } p { max-width: 60ch; line-height: 1.5; }</style>",
    `<main><h1>${escaped(title)}</h1><p>${escaped(text)}</p><p><a href="command:${escaped(link.command)}">${escaped(link.label)}</a></p></main>`,
  );
}

const documentOf = (policy: string, head: string, body: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
    <title>tino</title>
    ${head}
  </head>
  <body>
    ${body}
  </body>
</html>`;

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
