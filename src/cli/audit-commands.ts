import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { type ChainFault, createChainCheck } from "../telemetry/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";

/** Faults that are told; after so many the file is worthless anyway. */
const TOLD = 20;

/** `audit verify`: whether every line of an audit file follows from the ones before it. */
export async function verifyAudit(file: string, { json }: { json?: true }, io: CommandEnvironment): Promise<ExitCode> {
  const check = createChainCheck();
  const faults: ChainFault[] = [];
  try {
    const lines = createInterface({
      input: createReadStream(resolve(io.cwd, file)),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    for await (const line of lines) {
      const fault = line === "" ? undefined : check.take(line);
      if (fault !== undefined) faults.push(fault);
    }
  } catch {
    io.writeError(`${file} cannot be read\n`);
    return EXIT.failed;
  }
  const { lines, writers } = check;
  if (json === true) io.write(`${JSON.stringify({ ok: faults.length === 0, lines, writers, faults })}\n`);
  else {
    for (const { line, what } of faults.slice(0, TOLD)) io.writeError(`${file}:${line}: ${what}\n`);
    io.write(
      `${file}: ${lines} lines by ${writers} writers, ${faults.length === 0 ? "no fault found" : `${faults.length} faults`}\n`,
    );
  }
  return faults.length === 0 ? EXIT.fine : EXIT.failed;
}
