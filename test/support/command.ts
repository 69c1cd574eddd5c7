import { runCommand } from "../../src/cli/index.ts";

export interface CommandOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, with nothing in its environment. */
export function command(cwd: string, ...args: readonly string[]): Promise<CommandOutcome> {
  return commandWith({}, cwd, ...args);
}

/** Runs a command in this process. */
export async function commandWith(
  environment: Readonly<Record<string, string>>,
  cwd: string,
  ...args: readonly string[]
): Promise<CommandOutcome> {
  let [out, err] = ["", ""];
  const code = await runCommand(args, {
    environment,
    cwd,
    write: (text) => void (out += text),
    writeError: (text) => void (err += text),
  });
  return { code, out, err };
}
