/** The operator's commands: thin over the composition root and the domain folders. Each resolves to its exit code. */
import { Command, CommanderError } from "commander";
import { IdpError } from "../kernel/index.ts";
import { hashPasswordCommand, listAccounts, showAccount } from "./account-commands.ts";
import { verifyAudit } from "./audit-commands.ts";
import { checkConfig, printSchema } from "./config-commands.ts";
import { demo } from "./demo.ts";
import { checkHealth } from "./health-command.ts";
import { listKeys, rotateKeys } from "./key-commands.ts";
import { callFunction, checkScripts } from "./lua-commands.ts";
import { addLuaNew } from "./lua-new.ts";
import { addLuaTest } from "./lua-test-command.ts";
import { convertAll, createCode, listFactors, reindexAccounts, resetFactors } from "./mfa-commands.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { changeCertificates, listCertificates } from "./saml-commands.ts";
import { serveFile } from "./serve-file.ts";
import { backUp, checkFile, restore, storeProblem } from "./store-commands.ts";
import { clearThrottle, listThrottle, type ThrottleOptions } from "./throttle-commands.ts";

export async function runCommand(args: readonly string[], io: CommandEnvironment): Promise<ExitCode> {
  let code: ExitCode = EXIT.fine;
  const run = (work: () => Promise<ExitCode>) => async () => {
    code = await work();
  };
  const program = new Command("moonlatch")
    .description("A self-hosted identity provider.")
    .exitOverride()
    .configureOutput({ writeOut: io.write, writeErr: io.writeError });
  const file = ["-c, --config <file>", "configuration file", "moonlatch.yaml"] as const;

  program
    .command("demo")
    .description("run the demo on this machine")
    .action(run(() => demo(io)));
  program
    .command("serve")
    .description("run a configuration")
    .option(...file)
    .action((options: { config: string }) => run(() => serveFile(options.config, io))());
  program
    .command("health")
    .argument("[address]", "where it listens", "http://127.0.0.1:8080")
    .description("ask a running program whether it is ready")
    .action((address: string) => run(() => checkHealth(address, io))());
  const config = program.command("config").description("check a configuration, print its schema");
  config
    .command("check <file>")
    .option("--json", "machine-readable")
    .description("report every fault with its place")
    .action((path: string, options: { json?: true }) => run(() => checkConfig(path, options, io))());
  config
    .command("schema")
    .description("print the JSON Schema")
    .action(run(() => printSchema(io)));
  const lua = program.command("lua").description("make, check and call backend scripts");
  lua
    .command("check")
    .option(...file)
    .option("--json", "machine-readable")
    .description("load every script and report its functions")
    .action((options: { config: string; json?: true }) => run(() => checkScripts(options, io))());
  lua
    .command("call <function>")
    .option(...file)
    .requiredOption("--json <fields>", "request fields as a JSON object")
    .option("--backend <name>", "which backend")
    .description("call one function and print what it returned")
    .action((name: string, options: { config: string; json: string; backend?: string }) =>
      run(() => callFunction(name, options, io))(),
    );
  addLuaNew(lua, run, io);
  addLuaTest(lua, run, io);
  program
    .command("hash-password")
    .description("read a password from standard input and print its hash")
    .action(run(() => hashPasswordCommand(io)));
  const accounts = program.command("accounts").description("what the backends know");
  accounts
    .command("list")
    .option(...file)
    .option("--json", "machine-readable")
    .action((options: { config: string; json?: true }) => run(() => listAccounts(options, io))());
  accounts
    .command("show <name>")
    .option(...file)
    .option("--json", "machine-readable")
    .action((name: string, options: { config: string; json?: true }) => run(() => showAccount(name, options, io))());

  accounts
    .command("reindex")
    .option(...file)
    .option("--json", "machine-readable")
    .description("make every account's passkeys findable again")
    .action((options: { config: string; json?: true }) => run(() => reindexAccounts(options, io))());
  program
    .command("audit")
    .description("the audit trail")
    .command("verify <file>")
    .option("--json", "machine-readable")
    .description("find lines that were changed, dropped or inserted")
    .action((path: string, options: { json?: true }) => run(() => verifyAudit(path, options, io))());
  const keys = program.command("keys").description("the keys that sign tokens");
  keys
    .command("list")
    .option(...file)
    .option("--json", "machine-readable")
    .action((options: { config: string; json?: true }) => run(() => listKeys(options, io))());
  keys
    .command("rotate")
    .option(...file)
    .option("--json", "machine-readable")
    .option("--now", "sign with the new keys at once: when a key was stolen")
    .description("publish new keys, and sign with them once applications know them")
    .action((options: { config: string; json?: true; now?: true }) => run(() => rotateKeys(options, io))());
  addThrottleCommands(program, run, io);
  addMfaCommands(program, run, io);
  addSamlCommands(program, run, io);
  addStoreCommands(program, run, io);
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof IdpError && error.code === "STORE_UNAVAILABLE") {
      io.writeError(storeProblem(error));
      return EXIT.refused;
    }
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  }
}

/** Attempts that were counted: to look at, to forget. */
function addThrottleCommands(
  program: Command,
  run: (work: () => Promise<ExitCode>) => () => Promise<void>,
  io: CommandEnvironment,
): void {
  const throttle = program.command("throttle").description("attempts at passwords and second factors");
  const about = (name: string, description: string): Command =>
    throttle
      .command(name)
      .option("-c, --config <file>", "configuration file", "moonlatch.yaml")
      .option("--account <name>", "of this name, as typed at the sign-in")
      .option("--address <address>", "from this address, or its IPv6 network")
      .option("--json", "machine-readable")
      .description(description);
  about("list", "who tried how often, and until when that counts").action((options: ThrottleOptions) =>
    run(() => listThrottle(options, io))(),
  );
  about("clear", "let somebody try again at once")
    .option("--all", "everybody")
    .action((options: ThrottleOptions) => run(() => clearThrottle(options, io))());
}

/** Second factors of people: to look at, to reset, to seal. */
function addMfaCommands(
  program: Command,
  run: (work: () => Promise<ExitCode>) => () => Promise<void>,
  io: CommandEnvironment,
): void {
  const file = ["-c, --config <file>", "configuration file", "moonlatch.yaml"] as const;
  const mfa = program.command("mfa").description("second factors of people");
  type Options = { config: string; json?: true };
  type Work = (name: string, options: Options, io: CommandEnvironment) => Promise<ExitCode>;
  const about = (name: string, description: string, work: Work): void => {
    mfa
      .command(`${name} <account>`)
      .option(...file)
      .option("--json", "machine-readable")
      .description(description)
      .action((account: string, options: Options) => run(() => work(account, options, io))());
  };
  about("list", "what an account has", listFactors);
  about("reset", "remove every second factor, and print a one-time code for setting up new ones", resetFactors);
  about("code", "print a one-time code for a person who lost everything", createCode);
  for (const way of ["seal", "unseal"] as const)
    mfa
      .command(way)
      .option(...file)
      .option("--json", "machine-readable")
      .description(way === "seal" ? "seal what scripts store of every account" : "make it plain again")
      .action((options: Options) => run(() => convertAll(way, options, io))());
}

/** The steps of a certificate rollover, in the order in which they are taken. */
function addSamlCommands(
  program: Command,
  run: (work: () => Promise<ExitCode>) => () => Promise<void>,
  io: CommandEnvironment,
): void {
  const file = ["-c, --config <file>", "configuration file", "moonlatch.yaml"] as const;
  const certificates = program
    .command("saml")
    .description("SAML")
    .command("certificates")
    .description("the certificates in our metadata");
  type Options = { config: string; json?: true };
  const add = (name: string, description: string, work: (id: string, options: Options) => Promise<ExitCode>): void => {
    certificates
      .command(name)
      .option(...file)
      .option("--json", "machine-readable")
      .description(description)
      .action((...args: unknown[]) => {
        const [first, second] = args;
        const isNamed = typeof first === "string";
        return run(() => work(isNamed ? first : "", (isNamed ? second : first) as Options))();
      });
  };
  add("list", "what metadata publishes", (_id, options) => listCertificates(options, io));
  add("add", "publish one more", (_id, options) => changeCertificates({ kind: "add" }, options, io));
  add("activate <id>", "sign with it from now on", (id, options) =>
    changeCertificates({ kind: "activate", id }, options, io),
  );
  add("remove <id>", "withdraw one that does not sign", (id, options) =>
    changeCertificates({ kind: "remove", id }, options, io),
  );
}

/** The store's file: to copy, to look at, to bring back. */
function addStoreCommands(
  program: Command,
  run: (work: () => Promise<ExitCode>) => () => Promise<void>,
  io: CommandEnvironment,
): void {
  const store = program.command("store").description("the provider's own facts");
  const about = (name: string, description: string): Command =>
    store
      .command(name)
      .option("-c, --config <file>", "configuration file", "moonlatch.yaml")
      .option("--json", "machine-readable")
      .description(description);
  type Options = { config: string; json?: true; force?: true; keepSessions?: true };
  about("backup <file>", "copy the store into a new file while the provider serves").action(
    (file: string, options: Options) => run(() => backUp(file, options, io))(),
  );
  about("check [file]", "read the store, or a backup of it, and tell what is damaged").action(
    (file: string | undefined, options: Options) => run(() => checkFile(file, options, io))(),
  );
  about("restore <file>", "put a backup in the place of the store of a provider that is stopped")
    .option("--force", "replace a store that has records or is damaged")
    .option("--keep-sessions", "bring back sessions, grants, tokens and devices, ended and used ones among them")
    .action((file: string, options: Options) => run(() => restore(file, options, io))());
}
