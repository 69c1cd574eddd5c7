import { connect, type Socket } from "node:net";

export interface Exchange {
  /** Everything that came back until the connection closed, or until nothing more came. */
  readonly text: string;
  /** Status of each answer, in order. */
  readonly statuses: readonly number[];
  readonly isClosed: boolean;
}

/** Sends bytes as they are to a loopback port, and reads until the other side closes or `patience` milliseconds are over. */
export function exchange(port: number, bytes: string | Buffer, patience = 3_000): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = quietSocket(port);
    let text = "";
    const finish = (isClosed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve({ text, statuses, isClosed });
    };
    const timer = setTimeout(() => finish(false), patience);
    socket.setEncoding("latin1").on("data", (piece: string) => (text += piece));
    socket.once("close", () => finish(true));
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  });
}

/** A connection whose end is no failure of the test. */
export function quietSocket(port: number): Socket {
  return connect(port, "127.0.0.1").on("error", () => undefined);
}

/** Resolves when the other side closed. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.resume().once("close", () => resolve());
  });
}
