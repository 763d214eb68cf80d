/** The same promises with the engine itself: what `sharing.test.ts` shows with a fake holds for the real one. */
import { afterEach, expect, test } from "vitest";
import { EventStream } from "../../extension/client/eventStream.ts";
import { systemClock } from "../../extension/supervisor/clock.ts";
import { findEngine } from "../../extension/supervisor/discovery.ts";
import { type ClientProcess, Rig, until } from "../rig.ts";

let rig: Rig;
afterEach(() => rig.close());

test("eight clients at once: one engine; killed, one again; the last one out ends it", async () => {
  rig = new Rig({ engine: "real" });
  const clients = await Promise.all(Array.from({ length: 8 }, (_, index) => rig.startClient(index % 2 ? "vscode" : "cli")));
  const engines = await Promise.all(clients.map((client) => client.live()));
  const engine = engines[0] as (typeof engines)[number];
  expect(new Set(engines.map(({ instance }) => instance)).size).toBe(1);
  expect(rig.engineInfo()).toMatchObject({ pid: engine.pid, port: engine.port, protocol: 1 });

  process.kill(engine.pid, "SIGKILL");
  const next = await Promise.all(clients.map((client) => client.live(engine.instance)));
  expect(new Set(next.map(({ instance }) => instance)).size).toBe(1);

  const leave = async (client: ClientProcess) => {
    client.tell("leave");
    await client.running.finished;
  };
  await Promise.all(clients.map(leave));
  await rig.untilEmpty();
  expect(rig.locks()).toEqual([]);
  expect(rig.engineInfo()).toBeNull();
});

test("every client killed: the engine and its children are gone", async () => {
  rig = new Rig({ engine: "real" });
  const clients = await Promise.all([rig.startClient("vscode"), rig.startClient()]);
  await Promise.all(clients.map((client) => client.live()));
  for (const client of clients) client.kill("SIGKILL");
  await rig.untilEmpty();
});

test("what happened while a socket was broken comes when it is open again, once and in order", async () => {
  rig = new Rig({ engine: "real" });
  const holder = await rig.startClient("vscode");
  await holder.live();
  const finding = await findEngine(rig.place());
  if (finding.kind !== "running") throw new Error(finding.kind);
  const snapshots: number[] = [];
  const events: number[] = [];
  const stream = new EventStream({
    clock: systemClock,
    log: () => undefined,
    hello: () => ({ client: "cli", pid: null, nonce: null, version: "1", workspace: null, trustedFolders: [] }),
    onSnapshot: ({ seq }) => snapshots.push(seq),
    onEvent: (_, { seq }) => events.push(seq),
    onMissed: () => undefined,
    onLost: () => undefined,
    onSilent: () => undefined,
  });
  await stream.open(finding.connection);
  await until(
    () => events.length > 0,
    () => "our own coming",
  );
  stream.close();
  const other = await rig.startClient();
  await other.live();
  other.tell("leave");
  await holder.hears("its leaving", ({ event }) => event?.type === "client.left" && event.client?.pid === other.pid);
  const last = holder.reports.flatMap((report) => report.event?.seq ?? []).at(-1) as number;
  await stream.open(finding.connection);
  await until(
    () => (events.at(-1) ?? 0) >= last,
    () => `event ${last} among ${events}`,
  );
  stream.close();
  expect(snapshots).toHaveLength(1);
  expect(events).toEqual(events.map((_, index) => (snapshots[0] as number) + 1 + index));
});
