import { runCommand } from "./cli/index.ts";

process.exitCode = await runCommand(process.argv.slice(2), {
  environment: process.env,
  cwd: process.env["INIT_CWD"] ?? process.cwd(),
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
});
