/** JSON-RPC over a WebSocket: one message is one text frame, without headers. */
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageWriter,
} from "vscode-languageclient/node";
import type WebSocket from "ws";

export class SocketReader extends AbstractMessageReader implements MessageReader {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
  }

  listen(callback: DataCallback): Disposable {
    const take = (data: Buffer) => {
      let message: Message;
      try {
        message = JSON.parse(data.toString("utf8"));
      } catch (error) {
        this.fireError(error);
        return;
      }
      callback(message);
    };
    const fail = (error: Error) => this.fireError(error);
    const close = () => this.fireClose();
    this.#socket.on("message", take).on("error", fail).on("close", close);
    return { dispose: () => this.#socket.off("message", take).off("error", fail).off("close", close) };
  }
}

export class SocketWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
  }

  write(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(JSON.stringify(message), (error) => {
        if (!error) return resolve();
        this.fireError(error, message);
        reject(error);
      });
    });
  }

  end(): void {
    this.#socket.close();
  }
}
