// Attacks that run until they are stopped, bounded in width, to loopback only.
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { deflateRawSync } from "node:zlib";
import { createVisitor, follow, type Visit } from "./browser.ts";

export interface Attack {
  readonly name: string;
  /** What it did so far, by what came back. */
  readonly counts: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Repeats `work` in `width` lanes; what it returns is counted. A request that broke off counts as what broke it. */
function repeat(name: string, width: number, work: () => Promise<string>): Attack {
  const counts = new Map<string, number>();
  const state = { isOver: false };
  const lane = async (): Promise<void> => {
    while (!state.isOver) {
      const came = await work().catch((error: unknown) => String(error).slice(0, 60));
      counts.set(came, (counts.get(came) ?? 0) + 1);
    }
  };
  const lanes = Promise.all(Array.from({ length: width }, lane));
  return {
    name,
    counts,
    async stop() {
      state.isOver = true;
      await lanes;
    },
  };
}

/** Connections that send one header line after the other and never end; each one dropped is opened again. */
export function slowSockets(issuer: string, width: number): Attack {
  const { port } = new URL(issuer);
  return repeat("slow sockets", width, async () => {
    const socket = connect(Number(port), "127.0.0.1");
    const state = { isClosed: false };
    socket.on("error", () => undefined).resume();
    socket.once("close", () => {
      state.isClosed = true;
    });
    socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n`);
    for (let lines = 0; lines < 3 && !state.isClosed; lines += 1) {
      await pause(500);
      if (!state.isClosed) socket.write("X: y\r\n");
    }
    socket.destroy();
    return "held";
  });
}

/** SAML requests of some KB that unpack to 10 MB. */
export function samlBombs(issuer: string, width: number): Attack {
  const packed = deflateRawSync(Buffer.alloc(10e6, 32)).toString("base64");
  const address = `${issuer}/saml/sso?SAMLRequest=${encodeURIComponent(packed)}`;
  return repeat("SAML bombs", width, async () => {
    const answer = await fetch(address);
    await answer.arrayBuffer();
    return String(answer.status);
  });
}

/** Sign-ins that go as far as the password, under a name and with a password made for each. */
export function passwords(
  { name, authorize, issuer }: { readonly name: string; readonly authorize: string; readonly issuer: string },
  width: number,
  typed: () => { readonly username: string; readonly password: string },
): Attack {
  return repeat(name, width, async () => {
    const visitor = createVisitor();
    const page: Visit = await follow(visitor, await visitor.get(authorize), issuer);
    const answer = await visitor.post(page.url, { csrf: page.field("csrf"), ...typed() });
    return String(answer.status);
  });
}
