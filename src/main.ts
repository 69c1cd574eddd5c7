import { runCommand } from "./cli/index.ts";

// Nobody reads any more (EPIPE), or the disk of the log is full: what was to be said is lost, and the work goes on.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

process.exitCode = await runCommand(process.argv.slice(2), {
  environment: process.env,
  cwd: process.env["INIT_CWD"] ?? process.cwd(),
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
});
