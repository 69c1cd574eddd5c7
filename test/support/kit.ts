import assert from "node:assert/strict";
import { realWorld } from "../../src/app/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { type KitReport, runKit } from "../../src/lua/index.ts";
import type { TestBackend } from "./lua.ts";

export interface KitRun {
  readonly account: string;
  readonly password: string;
  readonly signal?: AbortSignal;
  readonly call?: (...args: Parameters<TestBackend["call"]>) => ReturnType<TestBackend["call"]>;
}

/** The contract kit on a started backend. */
export async function kitOn(
  backend: TestBackend,
  { account, password, signal, call = (name, fn, fields) => backend.call(name, fn, fields) }: KitRun,
): Promise<KitReport> {
  const ran = await runKit(
    {
      backend: "default",
      functions: backend.functions().get("default") ?? [],
      call: (fn, fields) => call("default", fn, fields),
      account,
      password: new Secret(password),
      log: () => backend.log,
      limit: 5_000,
      ...realWorld(),
    },
    signal ?? new AbortController().signal,
  );
  return ran.ok ? ran.value : assert.fail(ran.problem);
}

/** Everything applies, everything holds, nothing is left behind. */
export function expectWhole({ properties, grade, left }: KitReport): void {
  // With their reasons, so that a failure tells why.
  assert.deepEqual(
    properties.filter(({ result }) => result !== "passed"),
    [],
  );
  assert.deepEqual({ percent: grade.percent, left }, { percent: 100, left: [] });
}
