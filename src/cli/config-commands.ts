import { resolve } from "node:path";
import { configJsonSchema, formatFaults, loadConfig } from "../config/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";

/** `config check`: every fault with file, line and suggestion; secrets never shown. */
export async function checkConfig(file: string, { json }: { json?: true }, io: CommandEnvironment): Promise<ExitCode> {
  const loaded = loadConfig(resolve(io.cwd, file), io.environment);
  if (json === true)
    io.write(
      `${JSON.stringify(loaded.ok ? { ok: true, config: loaded.value } : { ok: false, faults: loaded.problem }, undefined, 2)}\n`,
    );
  else if (loaded.ok) io.write(`${file}: no fault found\n`);
  else io.writeError(formatFaults(loaded.problem));
  return loaded.ok ? EXIT.fine : EXIT.refused;
}

/** `config schema`: for editors. */
export async function printSchema(io: CommandEnvironment): Promise<ExitCode> {
  io.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return EXIT.fine;
}
