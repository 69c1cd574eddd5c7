import { resolve } from "node:path";
import { type Config, formatFaults, loadConfig, watchConfig } from "../config/index.ts";
import { success } from "../kernel/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { serve } from "./serve.ts";

/** Runs `work` with the configuration in a file, or reports its faults and refuses. */
export async function withConfig(
  file: string,
  io: CommandEnvironment,
  work: (config: Config) => Promise<ExitCode>,
): Promise<ExitCode> {
  const loaded = loadConfig(resolve(io.cwd, file), io.environment);
  if (loaded.ok) return work(loaded.value);
  io.writeError(formatFaults(loaded.problem));
  return EXIT.refused;
}

/** `serve`: the provider as operators run it. Clients that change in the file are taken over while it runs. */
export function serveFile(file: string, io: CommandEnvironment): Promise<ExitCode> {
  return withConfig(file, io, (config) => {
    const { poll } = watchConfig(resolve(io.cwd, file), io.environment, config);
    return serve({ config, poll }, io, async () => success(async () => undefined));
  });
}
