import { realWorld } from "../app/index.ts";
import type { Config } from "../config/index.ts";
import {
  activateSamlCertificate,
  addSamlCertificate,
  type CertificateChange,
  listSamlCertificates,
  removeSamlCertificate,
  type SamlCertificate,
} from "../keys/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

interface Options {
  readonly config: string;
  readonly json?: true;
}

/** `saml certificates list`: what metadata publishes, the signing one first. */
export function listCertificates(options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withStore(options, io, async (store) => {
    show(await listSamlCertificates(store), options, io);
    return EXIT.fine;
  });
}

/** `saml certificates add|activate|remove`: the steps of a rollover. A running provider follows within seconds. */
export function changeCertificates(
  change: { readonly kind: "add" } | { readonly kind: "activate" | "remove"; readonly id: string },
  options: Options,
  io: CommandEnvironment,
): Promise<ExitCode> {
  return withStore(options, io, async (store, config) => {
    const result = await apply(store, config, change);
    if (result.code === "changed") {
      show(result.certificates, options, io);
      return EXIT.fine;
    }
    io.writeError(`${REASONS[result.code]}\n`);
    return EXIT.failed;
  });
}

const REASONS: Readonly<Record<Exclude<CertificateChange["code"], "changed">, string>> = {
  unknown: "there is no certificate with that id; `saml certificates list` shows them",
  active: "this certificate signs; activate another one first",
  busy: "somebody else changed the certificates at the same moment; look at the list and try again",
};

function apply(
  store: Store,
  config: Config,
  change: Parameters<typeof changeCertificates>[0],
): Promise<CertificateChange> {
  if (change.kind === "add") return addSamlCertificate(store, realWorld(), new URL(config.issuer).hostname);
  return change.kind === "activate"
    ? activateSamlCertificate(store, change.id)
    : removeSamlCertificate(store, change.id);
}

function withStore(
  options: Options,
  io: CommandEnvironment,
  work: (store: Store, config: Config) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withConfig(options.config, io, async (config) => {
    const store = await openStore(config.store, realWorld());
    try {
      return await work(store, config);
    } finally {
      await store.close();
    }
  });
}

function show(certificates: readonly SamlCertificate[], { json }: Options, io: CommandEnvironment): void {
  if (json === true) io.write(`${JSON.stringify(certificates)}\n`);
  else if (certificates.length === 0) io.write("none yet: the first one is made when the provider starts with SAML\n");
  else
    for (const { id, isActive, subject, notAfter } of certificates)
      io.write(`${id}  ${isActive ? "signs    " : "published"}  until ${notAfter.slice(0, 10)}  ${subject}\n`);
}
