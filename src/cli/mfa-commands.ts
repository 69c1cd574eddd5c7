import { composeFactors, openSealer, realWorld, SealingKeyError } from "../app/index.ts";
import type { Config } from "../config/index.ts";
import {
  type Conversion,
  type Factors,
  removeCanary,
  type Sealer,
  sealAccount,
  unsealAccount,
  withSealing,
} from "../factors/index.ts";
import { openKeyRing } from "../keys/index.ts";
import { type AccountIdentity, createDevices, identityOf } from "../login/index.ts";
import type { LuaBackends } from "../lua/index.ts";
import { forgetSessions } from "../oidc/index.ts";
import { withActivity } from "../portal/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { type AuditLog, createAuditLog, createLogger, openAuditFile } from "../telemetry/index.ts";
import { shortKey } from "../throttle/index.ts";
import { COMMAND_CONTEXT } from "./account-commands.ts";
import { withBackends } from "./lua-commands.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

interface Options {
  readonly config: string;
  readonly json?: true;
}

interface Parts {
  readonly config: Config;
  readonly lua: LuaBackends;
  readonly store: Store;
  readonly sealer: Sealer | undefined;
  readonly factors: Factors;
  readonly audit: AuditLog;
}

/** Puts together what a command about second factors needs, over the store the provider uses. */
function withFactors(
  { config: file }: Options,
  io: CommandEnvironment,
  work: (parts: Parts) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withConfig(file, io, (config) => {
    if (config.store === "memory:") {
      io.writeError('store is "memory:", which lives in the running provider alone; use sqlite:<path>\n');
      return Promise.resolve(EXIT.failed);
    }
    return withBackends(config, io, (lua) => withStore(config, io, lua, work));
  });
}

async function withStore(
  config: Config,
  io: CommandEnvironment,
  lua: LuaBackends,
  work: (parts: Parts) => Promise<ExitCode>,
): Promise<ExitCode> {
  const world = realWorld();
  const opened = await openStore(config.store, world);
  const writes: Promise<void>[] = [];
  // Events kept for people are written on the side; a command waits for them before it ends.
  const put: Store["put"] = (...args) => {
    const written = opened.put(...args);
    writes.push(written.catch(() => undefined));
    return written;
  };
  const store: Store = { ...opened, put };
  try {
    const sealer = await openSealer(config, store, world);
    const keys = await openKeyRing({ store, world });
    const logger = createLogger({ level: "warn", format: "text", write: io.writeError });
    const { file } = config.observability.audit;
    const trail = createAuditLog({
      logger,
      clock: world.clock,
      nameKey: shortKey,
      ...(file === undefined ? {} : { append: openAuditFile(file) }),
    });
    const audit = withActivity(trail, { store, ...world, logger });
    const backend = withSealing(lua.accounts, sealer);
    const factors = composeFactors({
      config,
      backend,
      store,
      world,
      keys,
      sealer,
      audit,
      logger,
      changed: () => undefined,
    });
    return await work({ config, lua, store, sealer, factors, audit });
  } catch (error) {
    if (!(error instanceof SealingKeyError)) throw error;
    io.writeError(`${error.message}\n`);
    return EXIT.refused;
  } finally {
    await Promise.all(writes);
    await opened.close();
  }
}

async function find({ lua }: Parts, name: string, io: CommandEnvironment): Promise<AccountIdentity | undefined> {
  const found = await lua.accounts.lookup(name, COMMAND_CONTEXT);
  if (found.code === "found") return identityOf(found.account);
  io.writeError(`${name}: ${found.code === "unavailable" ? found.reason : found.code}\n`);
  return undefined;
}

/** `mfa list`: what an account has, never a secret. */
export function listFactors(name: string, options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFactors(options, io, async (parts) => {
    const account = await find(parts, name, io);
    if (account === undefined) return EXIT.failed;
    const read = await parts.factors.read(account, COMMAND_CONTEXT);
    if (read.code !== "ok") {
      io.writeError(`${name}: ${read.code === "denied" ? "denied" : read.reason}\n`);
      return EXIT.failed;
    }
    const { totp, recoveryCodes, credentials, unreadableCredentials } = read.enrolled;
    const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
    const keys = await Promise.all(
      credentials.map(async ({ id, name: key, synced, lastUsed, aaguid }) => ({
        id,
        name: key,
        synced,
        aaguid,
        added: iso(await parts.factors.addedAt(account, id)),
        last_used: iso(lastUsed),
      })),
    );
    const report = {
      account: account.name,
      backend: account.backend,
      totp,
      recovery_codes: recoveryCodes.length,
      keys,
      unreadable_keys: unreadableCredentials.length,
      enrolment_code: await parts.factors.enrolmentCodes.isOpen(account),
    };
    io.write(options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
    return EXIT.fine;
  });
}

function reportText(report: {
  readonly account: string;
  readonly backend: string;
  readonly totp: string;
  readonly recovery_codes: number;
  readonly keys: readonly { readonly name: string; readonly last_used: string | null; readonly added: string | null }[];
  readonly unreadable_keys: number;
  readonly enrolment_code: boolean;
}): string {
  const keys = report.keys.map(
    ({ name, added, last_used }) =>
      `  ${name === "" ? "(no name)" : name}: added ${added ?? "unknown"}, used ${last_used ?? "never"}\n`,
  );
  return [
    `${report.account} (backend ${report.backend})\n`,
    `authenticator app: ${report.totp}\n`,
    `recovery codes: ${report.recovery_codes}\n`,
    `keys: ${report.keys.length}${report.unreadable_keys > 0 ? `, and ${report.unreadable_keys} that cannot be read` : ""}\n`,
    ...keys,
    ...(report.enrolment_code ? ["a one-time code is open\n"] : []),
  ].join("");
}

/** `mfa reset`: removes every second factor, trusts no device any more and signs the person out everywhere; prints a one-time code for setting up new ones. */
export function resetFactors(name: string, options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFactors(options, io, async (parts) => {
    const account = await find(parts, name, io);
    if (account === undefined) return EXIT.failed;
    // The code first: an account that is reset and has no code yet would be open to whoever knows the password.
    const code = await parts.factors.enrolmentCodes.create(account);
    const outcome = await parts.factors.changes.reset({ owner: account, context: COMMAND_CONTEXT });
    if (outcome.code !== "done") {
      await parts.factors.enrolmentCodes.close(account);
      io.writeError(
        `${name}: ${outcome.code === "unavailable" ? outcome.reason : outcome.why}; look with \`mfa list\`\n`,
      );
      return EXIT.failed;
    }
    const { store, config } = parts;
    const devices = createDevices({
      store,
      ...realWorld(),
      isSecure: true,
      trustFor: config.mfa.trusted_devices?.lifetime,
    });
    await devices.forgetAll(account.subject);
    await forgetSessions(store, account.subject);
    parts.audit.record({ event: "enrolment_code_created", account: account.name });
    io.write(handOver(account.name, code.expose(), options));
    return EXIT.fine;
  });
}

/** `mfa code`: a one-time code for a person who lost everything, without touching what is stored. */
export function createCode(name: string, options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFactors(options, io, async (parts) => {
    const account = await find(parts, name, io);
    if (account === undefined) return EXIT.failed;
    const code = await parts.factors.enrolmentCodes.create(account);
    parts.audit.record({ event: "enrolment_code_created", account: account.name });
    io.write(handOver(account.name, code.expose(), options));
    return EXIT.fine;
  });
}

function handOver(account: string, code: string, { json }: Options): string {
  if (json === true) return `${JSON.stringify({ account, code })}\n`;
  return `${code}\n\nGive this code to the owner of ${account} alone, and make sure it is them. It is good once, for three days: they sign in with\ntheir password, type the code, and set up a new second step.\n`;
}

/** `mfa seal|unseal`: converts every account the backends list. */
export function convertAll(way: "seal" | "unseal", options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFactors(options, io, async (parts) => {
    const { sealer, lua } = parts;
    if (sealer === undefined) {
      io.writeError("there is no secrets.sealing_key; set secrets.sealing_key_file first\n");
      return EXIT.failed;
    }
    const listed = await lua.accounts.listAccounts(COMMAND_CONTEXT);
    if (listed.code !== "ok") {
      io.writeError(`the accounts cannot be listed: ${listed.code === "unavailable" ? listed.reason : listed.code}\n`);
      return EXIT.failed;
    }
    const counts: Record<Conversion["code"], number> = {
      converted: 0,
      unchanged: 0,
      codes_stay_hashed: 0,
      unavailable: 0,
    };
    const convert = way === "seal" ? sealAccount : unsealAccount;
    for (const name of listed.values) {
      const done = await convert({ backend: lua.accounts, sealer, context: COMMAND_CONTEXT, name });
      counts[done.code] += 1;
      if (done.code === "unavailable") io.writeError(`${name}: ${done.reason}\n`);
    }
    io.write(
      options.json === true
        ? `${JSON.stringify(counts)}\n`
        : `${counts.converted} converted, ${counts.unchanged} as they were, ${counts.unavailable} failed\n`,
    );
    return finish(parts, way, counts, io);
  });
}

async function finish(
  { store }: Parts,
  way: "seal" | "unseal",
  counts: Readonly<Record<Conversion["code"], number>>,
  io: CommandEnvironment,
): Promise<ExitCode> {
  if (counts.unavailable > 0) return EXIT.failed;
  if (way === "seal") return EXIT.fine;
  if (counts.codes_stay_hashed > 0) {
    io.writeError(
      `${counts.codes_stay_hashed} accounts have hashed recovery codes, which cannot be made plain. Keep the key until their owners created new ones.\n`,
    );
    return EXIT.failed;
  }
  await removeCanary(store);
  io.write("Nothing is sealed any more: secrets.sealing_key may be removed now.\n");
  return EXIT.fine;
}

/** `accounts reindex`: makes every account's passkeys findable again, as after a new store. */
export function reindexAccounts(options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFactors(options, io, async ({ lua, factors }) => {
    const listed = await lua.accounts.listAccounts(COMMAND_CONTEXT);
    if (listed.code !== "ok") {
      io.writeError(`the accounts cannot be listed: ${listed.code === "unavailable" ? listed.reason : listed.code}\n`);
      return EXIT.failed;
    }
    const counts = { accounts: listed.values.length, with_keys: 0, failed: 0 };
    for (const name of listed.values) {
      const found = await lua.accounts.lookup(name, COMMAND_CONTEXT);
      const indexed = found.code === "found" ? await factors.index(identityOf(found.account), COMMAND_CONTEXT) : found;
      if (typeof indexed === "boolean") counts.with_keys += indexed ? 1 : 0;
      else {
        counts.failed += 1;
        io.writeError(`${name}: ${indexed.code === "unavailable" ? indexed.reason : indexed.code}\n`);
      }
    }
    io.write(
      options.json === true
        ? `${JSON.stringify(counts)}\n`
        : `${counts.accounts} accounts, ${counts.with_keys} with keys, ${counts.failed} failed\n`,
    );
    return counts.failed === 0 ? EXIT.fine : EXIT.failed;
  });
}
