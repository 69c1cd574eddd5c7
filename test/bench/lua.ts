// One Lua call through the thread at 32 in flight, beside the same work as a plain JavaScript function behind a promise.
import { readFileSync } from "node:fs";
import { Secret } from "../../src/kernel/index.ts";
import { CONTEXT, startBackend } from "../support/lua.ts";
import { cpuPerOperation, inFlight, type Measured } from "./measure.ts";

const IN_FLIGHT = 32;
const CALLS = 15_000;

const TRIVIAL = "function nauthilus_backend_list_accounts(request) return 0, {} end";

/** CPU of all threads of this process per call; no host call, no hash. */
export async function benchLua(rounds: number): Promise<Readonly<Record<"trivial" | "verify", readonly Measured[]>>> {
  const trivial = await startBackend(TRIVIAL);
  const minimal = await startBackend(readFileSync(new URL("../../lua/minimal.lua", import.meta.url), "utf8"));
  const password = new Secret("change-me");
  const table = new Map([["demo", "change-me"]]);
  const request = { ...CONTEXT, username: "demo", password: "change-me", no_auth: false, method: "plain" };
  const calls = [
    {
      name: "a call with a full request",
      run: () => trivial.call("default", "nauthilus_backend_list_accounts", request),
    },
    { name: "verify_password with a result", run: () => minimal.accounts.verifyPassword("demo", password, CONTEXT) },
    { name: "a JavaScript look-up", run: async () => table.get("demo") === password.expose() },
  ].map((call) => ({ ...call, cpu: [] as number[] }));
  try {
    for (const { run } of calls) await inFlight(run, IN_FLIGHT, CALLS);
    for (let round = 0; round < rounds; round += 1) {
      for (const call of calls) call.cpu.push(await cpuPerOperation(() => inFlight(call.run, IN_FLIGHT, CALLS), CALLS));
    }
  } finally {
    await trivial.stop();
    await minimal.stop();
  }
  const [call, verify, baseline] = calls;
  if (call === undefined || verify === undefined || baseline === undefined) throw new Error("three calls are compared");
  return { trivial: [call, baseline], verify: [verify, baseline] };
}
