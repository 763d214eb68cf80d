/** WebSockets to the engine, authorised by its token in a header. */
import WebSocket from "ws";
import { TinoError } from "#contracts/catalogue";
import type { Connection } from "../supervisor/discovery.ts";
import { LOOPBACK } from "../supervisor/loopback.ts";

const OPEN_TIMEOUT_MS = 10_000;
const LARGEST_MESSAGE_BYTES = 32 * 1024 * 1024;

/** An open socket. @throws engine_not_running, engine_unreachable */
export function openSocket(connection: Connection, path: string): Promise<WebSocket> {
  const { port, token, pid } = connection;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${LOOPBACK}:${port}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      maxPayload: LARGEST_MESSAGE_BYTES,
      handshakeTimeout: OPEN_TIMEOUT_MS,
    });
    const failed = (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ECONNREFUSED"
          ? TinoError.of("engine_not_running", {}, { cause: error })
          : TinoError.of("engine_unreachable", { pid }, { cause: error }),
      );
    socket.once("error", failed);
    socket.once("open", () => {
      socket.off("error", failed);
      resolve(socket);
    });
  });
}

/** The language server behind the engine: JSON-RPC, one message a frame, text. */
export const openLanguageSocket = (connection: Connection): Promise<WebSocket> => openSocket(connection, "/lsp");
