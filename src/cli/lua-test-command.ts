import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { realWorld } from "../app/index.ts";
import type { Config } from "../config/index.ts";
import { failure, type Result, Secret, success } from "../kernel/index.ts";
import { type Judged, type KitReport, type LuaBackends, runKit } from "../lua/index.ts";
import { createLogger } from "../telemetry/index.ts";
import { withBackends } from "./lua-commands.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

interface LuaTestOptions {
  readonly config: string;
  readonly account: string;
  readonly backend?: string;
  readonly passwordFile?: string;
  readonly passwordStdin?: true;
  readonly json?: true;
  readonly yes?: true;
}

/** Adds `lua test` to the commands of `lua`. */
export function addLuaTest(
  lua: Command,
  run: (work: () => Promise<ExitCode>) => () => Promise<void>,
  io: CommandEnvironment,
): void {
  lua
    .command("test")
    .option("-c, --config <file>", "configuration file", "moonlatch.yaml")
    .requiredOption("--account <name>", "an account made for this, without second factors")
    .option("--password-file <file>", "holds its password")
    .option("--password-stdin", "read its password from standard input")
    .option("--backend <name>", "which backend; default: the first")
    .option("--yes", "write and remove second factors of that account")
    .option("--json", "machine-readable")
    .description("hold a script to the contract by calls on one account")
    .action((options: LuaTestOptions) => run(() => testScript(options, io))());
}

/** `lua test`: the contract kit on one backend and one account of the operator's. */
async function testScript(options: LuaTestOptions, io: CommandEnvironment): Promise<ExitCode> {
  if (options.yes !== true) {
    io.writeError(
      `this writes and removes second factors of the account ${options.account}: take one made for it, best in a copy of your database, and add --yes\n`,
    );
    return EXIT.usage;
  }
  const password = await readPassword(options, io);
  if (!password.ok) {
    io.writeError(`${password.problem}\n`);
    return EXIT.usage;
  }
  return withConfig(options.config, io, async (config) => {
    const { backends } = config.lua;
    const chosen = options.backend === undefined ? backends[0] : backends.find(({ name }) => name === options.backend);
    if (chosen === undefined) {
      io.writeError(
        `there is no backend ${options.backend ?? ""}; one of: ${backends.map(({ name }) => name).join(", ")}\n`,
      );
      return EXIT.usage;
    }
    const log: string[] = [];
    const logger = createLogger({ level: "debug", format: "text", write: (line) => void log.push(line) });
    const only: Config = { ...config, lua: { ...config.lua, backends: [chosen] } };
    return withBackends(only, io, (lua) => test({ lua, chosen, log, password: password.value }, options, io), logger);
  });
}

interface Parts {
  readonly lua: LuaBackends;
  readonly chosen: Config["lua"]["backends"][number];
  readonly log: readonly string[];
  readonly password: Secret;
}

async function test(
  { lua, chosen, log, password }: Parts,
  { account, json }: LuaTestOptions,
  io: CommandEnvironment,
): Promise<ExitCode> {
  const stop = new AbortController();
  const onStop = (): void => stop.abort();
  process.once("SIGINT", onStop).once("SIGTERM", onStop);
  const ran = await runKit(
    {
      backend: chosen.name,
      functions: lua.functions().get(chosen.name) ?? [],
      call: (fn, fields) => lua.call(chosen.name, fn, fields),
      account,
      password,
      log: () => log,
      limit: chosen.limits.call,
      ...realWorld(),
    },
    stop.signal,
  );
  process.off("SIGINT", onStop).off("SIGTERM", onStop);
  if (!ran.ok) {
    io.writeError(`${ran.problem}\n`);
    return EXIT.failed;
  }
  io.write(json === true ? `${JSON.stringify(ran.value, undefined, 2)}\n` : reportText(ran.value));
  const { grade, left } = ran.value;
  return grade.passed === grade.applicable && left.length === 0 ? EXIT.fine : EXIT.failed;
}

async function readPassword(
  { passwordFile, passwordStdin }: LuaTestOptions,
  { cwd }: CommandEnvironment,
): Promise<Result<Secret, string>> {
  if ((passwordFile === undefined) === (passwordStdin === undefined))
    return failure("give the account's password by --password-stdin or --password-file, one of them");
  try {
    const read =
      passwordFile === undefined ? await text(process.stdin) : readFileSync(resolve(cwd, passwordFile), "utf8");
    const password = read.replace(/\r?\n$/, "");
    return password === "" ? failure("the password is empty") : success(new Secret(password));
  } catch (error) {
    return failure(`the password cannot be read: ${error instanceof Error ? error.message : ""}`);
  }
}

const SIGNS = { passed: "✔", failed: "✖", not_applicable: "–", not_checked: "–" } as const;

function reportText({ backend, account, properties, grade, not_offered, left }: KitReport): string {
  const count = (result: Judged["result"]): number => properties.filter((one) => one.result === result).length;
  const lines = properties.flatMap((one, index) => [
    ...(one.group === properties[index - 1]?.group ? [] : ["", one.group]),
    ...propertyText(one),
  ]);
  return [
    `Backend ${backend}, account ${account}`,
    ...lines,
    "",
    ...not_offered.map(({ feature, functions }) => `Not offered: ${feature} (without ${functions.join(", ")})`),
    ...left.map((what) => `Not removed: ${what} of the account ${account}; remove it by hand`),
    `${grade.percent} %: ${grade.passed} of ${grade.applicable} properties hold; ${count("failed")} findings, ${count("not_checked")} not checked, ${count("not_applicable")} not applicable\n`,
  ].join("\n");
}

function propertyText({ id, title, result, because, finding }: Judged): readonly string[] {
  const why =
    because === undefined ? "" : ` (${result === "not_checked" ? "not checked" : "not applicable"}: ${because})`;
  const line = `  ${SIGNS[result]} ${title}${why}`;
  if (finding === undefined) return [line];
  const { call, expected, got, change, log } = finding;
  return [
    `${line} [${id}]`,
    `      call:     nauthilus_backend_${call}`,
    `      expected: ${expected}`,
    `      got:      ${got}`,
    `      change:   ${change}`,
    ...log.map((entry) => `      log:      ${entry.trim()}`),
  ];
}
