/** `tino status`, on its own path from `main.ts`: no command parser, no schemas, nothing that its answer does not need. */
import { EXIT, TinoError } from "#contracts/catalogue";
import type { Context } from "./context.ts";
import { statusText } from "./ui/statusText.ts";
import { type StatusReply, status } from "./verbs/status.ts";

export async function runStatus({ place, screen }: Context): Promise<number> {
  const reply = await status(place);
  if (screen.json) screen.printJson(reply satisfies StatusReply);
  else if (reply.problem) screen.fail(new TinoError(reply.problem));
  else if (reply.engine) screen.print(statusText(reply.engine, screen, place.clock.now()));
  else screen.print("No engine is running. Start one with `tino up`.");
  return reply.running && !reply.problem ? EXIT.ok : EXIT.engine;
}
