import { statSync } from "node:fs";
import { type Config, readTlsPair, type TlsFiles, type TlsPair } from "../config/index.ts";
import { type Clock, failure, type Result, success } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** A certificate that cannot be used, with its file and the reason. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

/** The certificates of all addresses, read again when their files change. */
export interface Certificates {
  /** The pair in use for these files; `changed` runs when another took its place. */
  use(files: TlsFiles, changed: (pair: TlsPair) => void): TlsPair;
  /** Looks at the files. */
  turn(): Promise<void>;
  /** "stale": the files hold no usable pair, the last good one serves on. */
  readonly state: () => "ok" | "stale" | "expired";
  /** When the first of them ends, in milliseconds since the epoch; `undefined` without TLS. */
  readonly endsAt: () => number | undefined;
}

export interface CertificatesDeps {
  readonly config: Pick<Config, "issuer" | "server">;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Live {
  readonly files: TlsFiles;
  readonly listeners: ((pair: TlsPair) => void)[];
  pair: TlsPair;
  traces: string;
  isStale: boolean;
  /** Days left when it was said last that it ends soon. */
  told: number | undefined;
}

const DAY = 86_400_000;
/** Days before its end from which on a certificate is warned about. */
const SOON = 14;

/** Reads the pair of every address with TLS. @throws CertificateError */
export function openCertificates({ config, clock, logger }: CertificatesDeps): Certificates {
  const live: Live[] = tlsOf(config).map((files) => {
    const traces = tracesOf(files);
    const read = usablePair(files, clock.now());
    if (!read.ok) throw new CertificateError(`${read.problem.file}: ${read.problem.message}`);
    for (const message of complaintsAbout(read.value, files, config.issuer)) logger.warn("TLS.", { because: message });
    return { files, listeners: [], pair: read.value, traces, isStale: false, told: undefined };
  });
  const say = (one: Live, message: string): void => {
    const left = daysLeft(one.pair, clock.now());
    logger.info(message, { file: one.files.cert_file, ends: new Date(one.pair.endsAt).toISOString(), days_left: left });
  };
  const warnOfEnd = (one: Live): void => {
    const left = daysLeft(one.pair, clock.now());
    if (left > SOON || left === one.told) return;
    one.told = left;
    logger.warn("A TLS certificate ends soon.", { file: one.files.cert_file, days_left: left });
  };
  const readAgain = (one: Live): void => {
    const read = usablePair(one.files, clock.now());
    one.isStale = !read.ok;
    if (!read.ok) {
      logger.error("A TLS certificate cannot be used; the last good one stays in use.", {
        file: read.problem.file,
        because: read.problem.message,
      });
      return;
    }
    one.pair = read.value;
    for (const changed of one.listeners) changed(one.pair);
    say(one, "The TLS certificate was read again.");
  };
  for (const one of live) {
    say(one, "The TLS certificate is in use.");
    warnOfEnd(one);
  }
  return {
    use(files, changed) {
      const one = live.find((known) => isSame(known.files, files));
      if (one === undefined) throw new CertificateError(`${files.cert_file}: was not read when the program started`);
      one.listeners.push(changed);
      return one.pair;
    },
    async turn() {
      for (const one of live) {
        const traces = tracesOf(one.files);
        if (traces !== one.traces) {
          one.traces = traces;
          readAgain(one);
        }
        warnOfEnd(one);
      }
    },
    state() {
      if (live.some(({ pair }) => pair.endsAt <= clock.now())) return "expired";
      return live.some(({ isStale }) => isStale) ? "stale" : "ok";
    },
    endsAt: () => (live.length === 0 ? undefined : Math.min(...live.map(({ pair }) => pair.endsAt))),
  };
}

/** What would stop the start, and what would be complained about at it. */
export function inspectCertificates(
  config: Pick<Config, "issuer" | "server">,
  now: number,
): { readonly faults: readonly FileFault[]; readonly warnings: readonly string[] } {
  const read = tlsOf(config).map((files) => ({ files, pair: usablePair(files, now) }));
  return {
    faults: read.flatMap(({ pair }) => (pair.ok ? [] : [pair.problem])),
    warnings: read.flatMap(({ files, pair }) => {
      if (!pair.ok) return [];
      const left = daysLeft(pair.value, now);
      const ends = left > SOON ? [] : [`${files.cert_file}: the certificate ends in ${left} days; renew it`];
      return [...complaintsAbout(pair.value, files, config.issuer), ...ends];
    }),
  };
}

/** Each pair of files once. */
function tlsOf({ server }: Pick<Config, "server">): readonly TlsFiles[] {
  const all = server.listen.flatMap(({ tls }) => tls ?? []);
  return all.filter((files, at) => all.findIndex((other) => isSame(other, files)) === at);
}

const isSame = (one: TlsFiles, other: TlsFiles): boolean =>
  one.cert_file === other.cert_file && one.key_file === other.key_file;

interface FileFault {
  readonly file: string;
  readonly message: string;
}

/** A pair that is valid now, or which file is wrong and why. */
function usablePair(files: TlsFiles, now: number): Result<TlsPair, FileFault> {
  const read = readTlsPair(files);
  if (!read.ok) return failure({ file: files[read.problem.key], message: read.problem.message });
  const wrong = (message: string) => failure({ file: files.cert_file, message });
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const { startsAt, endsAt } = read.value;
  if (endsAt <= now) return wrong(`the certificate ended on ${day(endsAt)}; renew it`);
  if (startsAt > now) return wrong(`the certificate is not valid before ${day(startsAt)}`);
  return success(read.value);
}

function complaintsAbout({ isKeyExposed, covers }: TlsPair, files: TlsFiles, issuer: string): readonly string[] {
  const host = new URL(issuer).hostname.replace(/^\[|\]$/g, "");
  return [
    ...(isKeyExposed ? [`${files.key_file}: others than its owner may read the key; run chmod 600 on it`] : []),
    ...(covers(host) ? [] : [`${files.cert_file}: the certificate is not for ${host}, the issuer's host`]),
  ];
}

const daysLeft = ({ endsAt }: TlsPair, now: number): number => Math.floor((endsAt - now) / DAY);

/** Changes when one of the files is written, replaced, or a link leads to another one. */
function tracesOf({ cert_file, key_file }: TlsFiles): string {
  return [cert_file, key_file]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? "-" : `${found.ino} ${found.size} ${found.mtimeMs}`;
    })
    .join("\n");
}
