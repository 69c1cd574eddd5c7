import { resolve } from "node:path";
import { type Config, type ConfigFault, formatFaults, loadConfig, watchConfig } from "../config/index.ts";
import { type Result, success } from "../kernel/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { serve } from "./serve.ts";

/** Runs `work` with the configuration in a file, or reports its faults and refuses. */
export function withConfig(
  file: string,
  io: CommandEnvironment,
  work: (config: Config) => Promise<ExitCode>,
): Promise<ExitCode> {
  return unlessFaulty(loadConfig(resolve(io.cwd, file), io.environment), io, work);
}

/** `serve`: the provider as operators run it. Applications that change in the files are taken over while it runs. */
export function serveFile(file: string, io: CommandEnvironment): Promise<ExitCode> {
  const { first, poll } = watchConfig(resolve(io.cwd, file), io.environment);
  return unlessFaulty(first, io, (config) => serve({ config, poll }, io, async () => success(async () => undefined)));
}

async function unlessFaulty(
  loaded: Result<Config, readonly ConfigFault[]>,
  io: CommandEnvironment,
  work: (config: Config) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (loaded.ok) return work(loaded.value);
  io.writeError(formatFaults(loaded.problem));
  return EXIT.refused;
}
