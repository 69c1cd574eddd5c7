import { realWorld } from "../app/index.ts";
import { BACKEND_FUNCTIONS, type FunctionName, type RequestFields } from "../backend/index.ts";
import type { Config } from "../config/index.ts";
import { createHostServices, inspectScript, type LuaBackends, LuaScriptError, startLuaBackends } from "../lua/index.ts";
import { createLogger, type Logger } from "../telemetry/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

/** Starts the backends of a configuration for one command. A script that cannot be used is reported and refused. */
export async function withBackends(
  config: Config,
  io: CommandEnvironment,
  work: (lua: LuaBackends) => Promise<ExitCode>,
  logger: Logger = createLogger({ level: "warn", format: "text", write: io.writeError }),
): Promise<ExitCode> {
  const { clock } = realWorld();
  let lua: LuaBackends;
  try {
    lua = await startLuaBackends({
      ...config.lua,
      // One command is one person; calls at the same time share the thread.
      workers: 1,
      services: createHostServices({ world: realWorld() }),
      logger,
      clock,
      environment: io.environment,
    });
  } catch (error) {
    if (!(error instanceof LuaScriptError)) throw error;
    io.writeError(`${error.message}\n`);
    return EXIT.refused;
  }
  try {
    return await work(lua);
  } finally {
    await lua.close();
  }
}

/** `lua check`: every script is read and loaded; which of the ten functions it defines, and names that nobody sets. */
export function checkScripts(
  { config: file, json }: { config: string; json?: true },
  io: CommandEnvironment,
): Promise<ExitCode> {
  return withConfig(file, io, (config) =>
    withBackends(config, io, async (lua) => {
      const reports = config.lua.backends.map(({ name, script, init, package_path: packagePath }) => {
        const functions = lua.functions().get(name) ?? [];
        const missing = Object.keys(BACKEND_FUNCTIONS).filter((fn) => !functions.includes(fn as FunctionName));
        const findings = [...init, script].flatMap((path) => inspectScript(path, { packagePath, init }));
        return { backend: name, functions, missing, findings };
      });
      io.write(json === true ? `${JSON.stringify(reports, undefined, 2)}\n` : reports.map(reportText).join(""));
      const isFine = reports.every(
        ({ functions, findings }) => findings.length === 0 && functions.includes("nauthilus_backend_verify_password"),
      );
      return isFine ? EXIT.fine : EXIT.failed;
    }),
  );
}

interface ScriptReport {
  readonly backend: string;
  readonly functions: readonly string[];
  readonly missing: readonly string[];
  readonly findings: ReturnType<typeof inspectScript>;
}

function reportText({ backend, functions, missing, findings }: ScriptReport): string {
  const absent = missing.length === 0 ? "" : `; missing: ${missing.join(", ")}`;
  const places = findings.map(({ file, line, message }) => `${file}:${line}: ${message}\n`);
  return `${backend}: ${functions.length} of 10 functions${absent}\n${places.join("")}`;
}

/** `lua call`: one function with the given request fields, and what it returned. */
export function callFunction(
  name: string,
  options: { config: string; json: string; backend?: string },
  io: CommandEnvironment,
): Promise<ExitCode> {
  if (!Object.hasOwn(BACKEND_FUNCTIONS, name)) {
    io.writeError(`${name} is not a function of the contract; one of: ${Object.keys(BACKEND_FUNCTIONS).join(", ")}\n`);
    return Promise.resolve(EXIT.usage);
  }
  const fields = readFields(options.json);
  if (fields === undefined) {
    io.writeError('--json takes a JSON object of request fields, such as \'{"username":"demo","no_auth":true}\'\n');
    return Promise.resolve(EXIT.usage);
  }
  return withConfig(options.config, io, (config) =>
    withBackends(config, io, async (lua) => {
      const outcome = await lua.call(
        options.backend ?? config.lua.backends[0]?.name ?? "",
        name as FunctionName,
        fields,
      );
      io.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
      return outcome.ok ? EXIT.fine : EXIT.failed;
    }),
  );
}

function readFields(text: string): RequestFields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as RequestFields) : undefined;
  } catch {
    return undefined;
  }
}
