// From the start of the process to the first token, and what it holds when idle, beside raw oidc-provider. Both start with keys they have.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";
import { type Gate, median } from "./measure.ts";
import { type Endpoint, login, memoryOf, OWN_PATHS, RAW_PATHS, start } from "./server.ts";
import { benchConfig, SCRIPT } from "./servers/parts.ts";

const STARTS = 3;
/** Milliseconds an idle process is left alone before it is weighed. */
const SETTLE = 2_000;
const WORKERS = 1;

interface Sample {
  readonly seconds: number;
  readonly megabytes: number;
}

export async function benchStart(): Promise<readonly Gate[]> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-start-"));
  try {
    const own: Sample[] = [];
    const raw: Sample[] = [];
    // The first start makes keys and is not counted.
    for (let count = 0; count <= STARTS; count += 1) {
      const samples = [await startOwn(folder), await startRaw(folder)] as const;
      if (count === 0) continue;
      own.push(samples[0]);
      raw.push(samples[1]);
    }
    const of = (samples: readonly Sample[], what: keyof Sample): number => median(samples.map((one) => one[what]));
    const [seconds, other] = [of(own, "seconds"), of(raw, "seconds")];
    const [megabytes, control] = [of(own, "megabytes"), of(raw, "megabytes")];
    return [
      {
        what: "start to the first token, seconds",
        value: seconds,
        limit: 1.5,
        detail: `raw oidc-provider ${other.toFixed(2)} s, ratio ${(seconds / other).toFixed(2)}`,
      },
      {
        what: "memory when idle after a sign-in, MB beyond 1.6 times raw oidc-provider",
        value: megabytes - 1.6 * control,
        limit: 30 * WORKERS,
        detail: `${megabytes.toFixed(0)} MB PSS, raw oidc-provider ${control.toFixed(0)} MB, ${WORKERS} Lua worker`,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOwn(folder: string): Promise<Sample> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  writeFileSync(join(folder, "backend.lua"), SCRIPT);
  writeFileSync(join(folder, "config.yaml"), benchConfig(issuer, port));
  const from = performance.now();
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [main, "serve", "--config", join(folder, "config.yaml")], { stdio: "ignore" });
  try {
    while (!(await isReady(`${issuer}/health/ready`))) await pause(10);
    await login({ name: "Moonlatch", issuer, paths: OWN_PATHS });
    return await weigh(child, performance.now() - from);
  } finally {
    child.kill();
    await once(child, "exit");
  }
}

async function weigh({ pid }: ChildProcess, took: number): Promise<Sample> {
  await pause(SETTLE);
  return { seconds: took / 1000, megabytes: memoryOf(pid ?? 0) };
}

async function isReady(address: string): Promise<boolean> {
  try {
    return (await fetch(address)).ok;
  } catch {
    return false;
  }
}

async function startRaw(folder: string): Promise<Sample> {
  const from = performance.now();
  const server = await start("raw oidc-provider", "raw.ts", RAW_PATHS, { args: [folder] });
  try {
    await login(server satisfies Endpoint);
    const seconds = (performance.now() - from) / 1000;
    await pause(SETTLE);
    return { seconds, megabytes: server.memory() };
  } finally {
    server.stop();
  }
}
