/** Providers, downloads, keys and the place of the catalog from the outside, with the real engine and local servers in the place of the providers. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CatalogPlace, Download, ErrorBody, EXIT, KeyList, ProviderList, ProviderSymbolList, SymbolList } from "#contracts";
import { type ClientProcess, PYTHON, Rig, ROOT } from "../rig.ts";

let rig: Rig;
let holder: ClientProcess;
let venues: ChildProcess;
let mirror: string;

beforeAll(async () => {
  venues = spawn(PYTHON, ["-I", `${ROOT}/test/venues/venues.py`], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: venues.stdout as NodeJS.ReadableStream });
  const port = await new Promise<string>((resolve) => lines.once("line", resolve));
  mirror = `http://127.0.0.1:${port}`;
  rig = new Rig({ engine: "real", env: { TINO_PROVIDER_MIRRORS: JSON.stringify({ binance: mirror, tardis: mirror }), TINO_KEYCHAIN: "memory" } });
  holder = await rig.startClient("vscode");
  await holder.live();
});
afterAll(async () => {
  await rig.close();
  const gone = new Promise((resolve) => venues.once("exit", resolve));
  venues.stdin?.end();
  await gone;
});

const tino = (...args: string[]) => rig.tino(args);
const json = (text: string) => JSON.parse(text);

test("providers are listed, searched and downloaded from; a fault of theirs does not show", async () => {
  const list = ProviderList.parse(json((await tino("providers", "--json")).stdout));
  expect(list.providers.map(({ name }) => name)).toEqual(expect.arrayContaining(["yahoo", "databento", "tardis", "binance", "kraken"]));
  expect((await tino("providers")).stdout).toMatch(/databento +Databento +bars, trades, quotes, deltas +needed/);
  const found = ProviderSymbolList.parse(json((await tino("providers", "binance", "--search", "btc", "--json")).stdout));
  expect(found.symbols.map(({ symbol }) => symbol)).toEqual(["BTC/USDT"]);

  await fetch(`${mirror}/_faults`, {
    method: "POST",
    body: JSON.stringify([
      ["klines", "throttle", 1],
      ["klines", "status", 502],
    ]),
  });
  const hours = ["data", "download", "BTC/USDT", "--provider", "binance", "--step", "1-hour", "--from", "2024-01-01", "--to", "2024-01-10"];
  const { download } = json((await tino(...hours, "--json")).stdout);
  expect(Download.parse(download)).toMatchObject({
    status: "finished",
    series: [{ barType: "BTCUSDT.BINANCE-1-HOUR-LAST-EXTERNAL", outcome: "new", rows: 228 }],
  });
  expect((await tino(...hours)).stdout).toMatch(/BTCUSDT\.BINANCE-1-HOUR-LAST-EXTERNAL +unchanged +228 +2024-01-01 +2024-01-11/);
  const { symbols } = SymbolList.parse(json((await tino("data", "--json")).stdout));
  expect(symbols).toMatchObject([
    { instrument: { id: "BTCUSDT.BINANCE", kind: "CurrencyPair", pricePrecision: 2 }, coverage: [{ bars: 228, source: "Binance" }] },
  ]);
});

test("what cannot be downloaded is told in words with exit codes", async () => {
  const from = ["--from", "2024-01-01", "--json"];
  const cases: [string[], string, number][] = [
    [["BTC/USDT", "--provider", "binanse"], "provider_unknown", EXIT.input],
    [["NOPE/USDT", "--provider", "binance"], "provider_symbol_unknown", EXIT.input],
    [["GLBX.MDP3:ESH4", "--provider", "databento"], "provider_key_missing", EXIT.refused],
    [["BTC/USDT", "--provider", "binance", "--kind", "quotes"], "provider_kind_missing", EXIT.input],
    [["BTC/USDT", "--provider", "binance", "--step", "often"], "usage", EXIT.usage],
  ];
  for (const [args, code, exit] of cases) {
    const failed = await tino("data", "download", ...args, ...from);
    expect([failed.code, ErrorBody.parse(json(failed.stdout)).code]).toEqual([exit, code]);
  }
});

test("a key is kept and forgotten, and never told", async () => {
  const set = await rig.tino(["keys", "set", "tardis"], { input: "db-right\n" });
  expect(set.stdout).toContain("kept until the engine ends");
  expect(KeyList.parse(json((await tino("keys", "--json")).stdout)).keys).toMatchObject([{ name: "tardis", kept: "memory" }]);
  const second = ["data", "download", "binance:BTCUSDT", "--provider", "tardis", "--kind", "trades", "--from", "2020-01-02", "--to", "2020-01-02"];
  expect((await tino(...second)).stdout).toMatch(/BTCUSDT\.BINANCE trades +new +2/);
  expect((await tino("data")).stdout).toMatch(/BTCUSDT\.BINANCE +trades +2/);
  expect((await tino("keys", "remove", "tardis")).code).toBe(EXIT.ok);
  expect((await tino("keys", "remove", "tardis", "--json")).code).toBe(EXIT.input);
  expect(CatalogPlace.parse(json((await tino("data", "catalog", "--json")).stdout))).toEqual({ uri: null, files: 2, localFiles: 2 });
});
