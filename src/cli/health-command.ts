import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";

const PATIENCE = 5_000;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** `health`: whether the program at an address is ready to serve people. For container and service managers. */
export async function checkHealth(address: string, io: CommandEnvironment): Promise<ExitCode> {
  if (!/^https?:$/.test(URL.parse(address)?.protocol ?? "")) {
    io.writeError(`${address} is not an http or https address\n`);
    return EXIT.usage;
  }
  try {
    const { status, body } = await ask(new URL("/health/ready", address));
    io.write(`${body}\n`);
    return status === 200 ? EXIT.fine : EXIT.failed;
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "no answer";
    io.writeError(`${address} does not answer (${reason})\n`);
    return EXIT.failed;
  }
}

function ask(url: URL): Promise<Answer> {
  const signal = AbortSignal.timeout(PATIENCE);
  return new Promise((resolve, reject) => {
    // The certificate names the issuer's host, not this address; whether it may be trusted is for those who send secrets.
    const sent =
      url.protocol === "http:" ? requestPlain(url, { signal }) : requestTls(url, { signal, rejectUnauthorized: false });
    sent.on("error", reject).on("response", (res) => {
      let body = "";
      res.on("data", (piece: Buffer) => (body += piece.toString()));
      res.on("error", reject).on("end", () => resolve({ status: res.statusCode ?? 0, body }));
    });
    sent.end();
  });
}
