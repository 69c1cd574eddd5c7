import { resolve } from "node:path";
import { realWorld } from "../app/index.ts";
import { configJsonSchema, formatFaults, loadConfig, plainFault } from "../config/index.ts";
import { inspectCertificates } from "../front/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";

/** `config check`: every fault with file, line and suggestion; secrets never shown. */
export async function checkConfig(file: string, { json }: { json?: true }, io: CommandEnvironment): Promise<ExitCode> {
  const loaded = loadConfig(resolve(io.cwd, file), io.environment);
  const certificates = loaded.ok ? inspectCertificates(loaded.value, realWorld().clock.now()) : undefined;
  const ended = (certificates?.faults ?? []).map((fault) => plainFault(fault.file, fault.message));
  const faults = loaded.ok ? ended : loaded.problem;
  const warnings = certificates?.warnings ?? [];
  const isSound = faults.length === 0;
  if (json === true) {
    const report = isSound ? { ok: true, warnings, config: loaded.ok && loaded.value } : { ok: false, faults };
    io.write(`${JSON.stringify(report, undefined, 2)}\n`);
  } else {
    for (const warning of warnings) io.writeError(`warning: ${warning}\n`);
    if (isSound) io.write(`${file}: no fault found\n`);
    else io.writeError(formatFaults(faults));
  }
  return isSound ? EXIT.fine : EXIT.refused;
}

/** `config schema`: for editors. */
export async function printSchema(io: CommandEnvironment): Promise<ExitCode> {
  io.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return EXIT.fine;
}
