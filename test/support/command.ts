import { runCommand } from "../../src/cli/index.ts";

/** Runs a command in this process. */
export async function command(
  cwd: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ["", ""];
  const code = await runCommand(args, {
    environment: {},
    cwd,
    write: (text) => void (out += text),
    writeError: (text) => void (err += text),
  });
  return { code, out, err };
}
