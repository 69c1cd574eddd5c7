import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
/** Milliseconds a start may take before a test gives up, on a machine that has other things to do; and between two looks. */
const PATIENCE = { total: 60_000, step: 10 } as const;
/** Clock ticks of Linux (USER_HZ) in milliseconds. */
const TICK = 10;

/** The real program, serving `config.yaml` of a folder. */
export interface Served {
  readonly child: ChildProcess;
  /** Milliseconds of processor time from the start of the process until it was ready: what other programs take does not count. */
  readonly startCost: number;
  /** What it wrote so far, log and errors. */
  readonly output: () => string;
  /** Ends it with this signal; resolves once it is gone. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** Starts the program and waits until it is ready. */
export async function serveProgram(folder: string, port: number): Promise<Served> {
  const begun = performance.now();
  const child = spawn(process.execPath, [MAIN, "serve", "-c", "config.yaml"], {
    cwd: folder,
    // What Node compiled once it need not compile at every start.
    env: { PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: join(folder, "compiled") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => void chunks.push(chunk.toString()));
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const stop = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (!isRunning()) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  const status = () =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      (answer) => answer.status,
      () => 0,
    );
  while ((await status()) !== 200) {
    if (isRunning() && performance.now() - begun < PATIENCE.total) await pause(PATIENCE.step);
    else {
      await stop("SIGKILL");
      assert.fail(`the provider did not become ready: ${chunks.join("").slice(-2_000)}`);
    }
  }
  return { child, startCost: costOf(child.pid ?? 0), output: () => chunks.join(""), stop };
}

/** Milliseconds of processor time a process took so far (proc(5): utime and stime). */
function costOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

/** Runs a command of the real program to its end. */
export async function runProgram(
  folder: string,
  args: readonly string[],
  input = "",
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: { PATH: process.env["PATH"] ?? "" } });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}
