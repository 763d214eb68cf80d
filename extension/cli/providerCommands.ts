/** `tino data download`, `tino providers` and `tino keys`: from options to output. */
import { text } from "node:stream/consumers";
import { EXIT, TinoError } from "#contracts/catalogue";
import { askSecret } from "./confirm.ts";
import type { Context } from "./context.ts";
import { orAborted, withEngine } from "./session.ts";
import { catalogText, downloadProgressText, downloadText, keysText, oneProviderText, providersText, symbolsText } from "./ui/providerText.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { buildDownload, type DownloadOptions, downloadData } from "./verbs/download.ts";

export async function performDownload(context: Context, symbols: readonly string[], options: DownloadOptions): Promise<number> {
  const { screen, signal } = context;
  const request = buildDownload(symbols, options);
  return withEngine(context, {}, async (link) => {
    const line = new StatusLine(screen);
    try {
      line.spin(`Asking ${request.provider}`);
      const job = await downloadData(link, request, signal, (going) => line.show(downloadProgressText(going, screen, line.width)));
      line.clear();
      if (screen.json) screen.printJson({ download: job });
      else screen.print(downloadText(job, screen));
      return EXIT.ok;
    } finally {
      line.clear();
    }
  });
}

export const performProviders = (context: Context, name: string | undefined, { search }: { search?: string }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    if (name !== undefined && search !== undefined) {
      const found = await orAborted(link.call("searchProvider", { path: { provider: name }, query: { text: search } }), signal);
      if (screen.json) screen.printJson(found);
      else screen.print(found.symbols.length ? symbolsText(found.symbols, screen) : `${name} has no symbol with “${search}”.`);
      return EXIT.ok;
    }
    if (search !== undefined) throw TinoError.of("usage", { reason: "--search needs the name of a provider.", verb: "providers" });
    const list = await orAborted(link.call("listProviders"), signal);
    const one = list.providers.find((provider) => provider.name === name);
    if (name !== undefined && !one) throw TinoError.of("provider_unknown", { provider: name, near: "" });
    if (screen.json) screen.printJson(one ?? list);
    else screen.print(one ? oneProviderText(one, screen) : providersText(list, screen));
    return EXIT.ok;
  });

export const performCatalog = (
  context: Context,
  uri: string | undefined,
  { local = false, free = false }: { local?: boolean; free?: boolean },
): Promise<number> => {
  if (Number(uri !== undefined) + Number(local) + Number(free) > 1)
    throw TinoError.of("usage", { reason: "Name a store, or --local, or --free.", verb: "data catalog" });
  return withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const line = new StatusLine(screen);
    const moves = uri !== undefined || local;
    try {
      if (moves) line.spin("Moving the catalog");
      const call = moves ? link.call("setCatalogPlace", { body: { uri: uri ?? null } }) : link.call(free ? "freeCatalog" : "getCatalogPlace");
      const place = await orAborted(call, signal);
      line.clear();
      if (screen.json) screen.printJson(place);
      else screen.print(catalogText(place));
      return EXIT.ok;
    } finally {
      line.clear();
    }
  });
};

export const performKeys = (context: Context): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const list = await orAborted(link.call("listKeys"), context.signal);
    if (context.screen.json) context.screen.printJson(list);
    else context.screen.print(keysText(list, context.screen));
    return EXIT.ok;
  });

/** The value comes from a prompt that does not show it, or from standard input: arguments can be read by every program. */
export async function performSetKey(context: Context, name: string): Promise<number> {
  const { screen, signal } = context;
  const value = (process.stdin.isTTY ? await askSecret(`Key for ${name} (it is not shown): `, signal) : await orAborted(text(process.stdin), signal)).trim();
  if (!value) throw TinoError.of("usage", { reason: "No key was given.", verb: "keys set" });
  return withEngine(context, {}, async (link) => {
    const list = await orAborted(link.call("setKey", { path: { name }, body: { value } }), signal);
    const kept = list.keys.find((key) => key.name === name)?.kept;
    if (screen.json) screen.printJson(list);
    else
      screen.print(
        kept === "memory"
          ? `The key for ${name} is kept until the engine ends: this system has no keychain.`
          : `The key for ${name} is in the system’s keychain.`,
      );
    return EXIT.ok;
  });
}

export const performRemoveKey = (context: Context, name: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const list = await orAborted(link.call("removeKey", { path: { name } }), context.signal);
    if (context.screen.json) context.screen.printJson(list);
    else context.screen.print(`The key for ${name} is forgotten.`);
    return EXIT.ok;
  });
