import type { Socket } from "node:net";
import type { Clock } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { addressKey } from "../throttle/index.ts";

/** Decides who may open one more connection. */
export interface ConnectionGate {
  /** Counts the connection until it closes, or closes it at once where there are too many. */
  admit(socket: Socket): boolean;
  /** Ends every one that is open. */
  endAll(): void;
}

export interface ConnectionGateDeps {
  /** Connections at once: of everybody, and of one IPv4 address or IPv6 /64. */
  readonly limits: { readonly total: number; readonly per_address: number };
  /** Proxies bring many people over few connections; only `total` counts for them. */
  readonly isTrusted: (address: string) => boolean;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Milliseconds between two lines of the log about refused connections: a flood must not fill it. */
const QUIET = 60_000;

export function createConnectionGate({ limits, isTrusted, logger, clock }: ConnectionGateDeps): ConnectionGate {
  const open = new Map<string, number>();
  const sockets = new Set<Socket>();
  let complainedAt = Number.NEGATIVE_INFINITY;
  let refused = 0;
  const complain = (limit: string, address: string): void => {
    refused += 1;
    if (clock.monotonic() - complainedAt < QUIET) return;
    complainedAt = clock.monotonic();
    logger.warn("Connections were closed: too many are open.", { limit, address, refused });
    refused = 0;
  };
  return {
    admit(socket) {
      const { remoteAddress } = socket;
      const key = addressKey(remoteAddress ?? "");
      const own = open.get(key) ?? 0;
      const isFull = sockets.size >= limits.total;
      if (isFull || (own >= limits.per_address && !isTrusted(remoteAddress ?? ""))) {
        complain(isFull ? "server.connections.total" : "server.connections.per_address", key);
        socket.destroy();
        return false;
      }
      sockets.add(socket);
      open.set(key, own + 1);
      socket.once("close", () => {
        sockets.delete(socket);
        const left = (open.get(key) ?? 1) - 1;
        if (left === 0) open.delete(key);
        else open.set(key, left);
      });
      return true;
    },
    endAll: () => sockets.forEach((socket) => void socket.destroy()),
  };
}
