// One Lua call through the thread at 32 in flight, beside the same work as a plain JavaScript function behind a promise.
import { readFileSync } from "node:fs";
import { Secret } from "../../src/kernel/index.ts";
import { CONTEXT, startBackend } from "../support/lua.ts";
import { cpuPerOperation, inFlight, type Measured } from "./measure.ts";

const IN_FLIGHT = 32;
const CALLS = 15_000;

/** CPU of all threads of this process per call; no host call, no hash. */
export async function benchLua(rounds: number): Promise<readonly Measured[]> {
  const backend = await startBackend(readFileSync(new URL("../../lua/minimal.lua", import.meta.url), "utf8"));
  const password = new Secret("change-me");
  const table = new Map([["demo", "change-me"]]);
  const calls = {
    "Lua verify_password": () => backend.accounts.verifyPassword("demo", password, CONTEXT),
    "JavaScript lookup": async () => table.get("demo") === password.expose(),
  };
  try {
    for (const call of Object.values(calls)) await inFlight(call, IN_FLIGHT, CALLS);
    const samples = Object.keys(calls).map((name) => ({ name, cpu: [] as number[] }));
    for (let round = 0; round < rounds; round += 1) {
      for (const sample of samples) {
        const call = calls[sample.name as keyof typeof calls];
        sample.cpu.push(await cpuPerOperation(() => inFlight(call, IN_FLIGHT, CALLS), CALLS));
      }
    }
    return samples;
  } finally {
    await backend.stop();
  }
}
