import { failure, type Result, success } from "../../kernel/index.ts";
import { CONCURRENCY } from "./concurrency.ts";
import { CREDENTIALS, removeCredentials } from "./credentials.ts";
import { Deviation } from "./deviation.ts";
import { LOOKUPS } from "./lookups.ts";
import { NAMES } from "./names.ts";
import { PASSWORDS, unknownUsers } from "./passwords.ts";
import { createProbe, type Probe, type ProbeDeps, SECRET_LENGTH } from "./probe.ts";
import type { Property, PropertyGroup } from "./property.ts";
import { AUTHENTICATOR_APPS, RECOVERY_CODES } from "./secrets.ts";
import { ACCOUNTS, missingOf, WHOLE } from "./whole.ts";

export interface Finding {
  /** The function, without `nauthilus_backend_`. */
  readonly call: string;
  readonly expected: string;
  readonly got: string;
  readonly change: string;
  /** The last lines that were logged meanwhile, without secrets. */
  readonly log: readonly string[];
}

export interface Judged {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly result: "passed" | "failed" | "not_applicable" | "not_checked";
  /** Why it is not applicable or was not checked. */
  readonly because?: string;
  readonly finding?: Finding;
}

export interface KitReport {
  readonly backend: string;
  readonly account: string;
  readonly properties: readonly Judged[];
  /** Of the properties that apply to the script. */
  readonly grade: { readonly passed: number; readonly applicable: number; readonly percent: number };
  /** What people cannot use, and which functions the script would have to define. */
  readonly not_offered: readonly { readonly feature: string; readonly functions: readonly string[] }[];
  /** What the kit wrote and could not remove. */
  readonly left: readonly string[];
}

/**
 * Holds a script to the contract, by calls on one account of the operator's, which must have no second factors. What was written is
 * removed at the end, also after `signal`. A problem is a sentence: nothing was written then.
 */
export async function runKit(deps: ProbeDeps, signal: AbortSignal): Promise<Result<KitReport, string>> {
  if (deps.password.expose().length < SECRET_LENGTH)
    return failure(
      `give the account a password of ${SECRET_LENGTH} characters or more: a shorter one cannot be told from other text in logs`,
    );
  const probe = createProbe(deps);
  const refusal = await refusalOf(probe);
  if (refusal !== undefined) return failure(refusal);
  const groups: readonly PropertyGroup[] = [
    PASSWORDS,
    LOOKUPS,
    unknownUsers(() => deps.clock.monotonic()),
    NAMES,
    AUTHENTICATOR_APPS,
    RECOVERY_CODES,
    CREDENTIALS,
    ACCOUNTS,
    CONCURRENCY,
    WHOLE,
  ];
  let properties: readonly Judged[];
  let left: readonly string[] = [];
  try {
    properties = await judge(probe, groups, signal);
  } finally {
    left = await removeAll(probe);
  }
  const passed = properties.filter(({ result }) => result === "passed").length;
  const applicable = properties.filter(({ result }) => result !== "not_applicable").length;
  return success({
    backend: deps.backend,
    account: deps.account,
    properties,
    grade: { passed, applicable, percent: Math.floor((100 * passed) / applicable) },
    not_offered: missingOf(probe).map(({ feature, missing }) => ({
      feature,
      functions: missing.map((fn) => `nauthilus_backend_${fn}`),
    })),
    left,
  });
}

/** A script that cannot even be asked is not refused: its findings say why. */
async function refusalOf(probe: Probe): Promise<string | undefined> {
  const [signedIn, found] = [
    await attempt(() => probe.signIn(probe.account, probe.password)),
    await attempt(() => probe.lookup(probe.account)),
  ];
  if (signedIn.value?.kind === "nobody" && found.value?.kind === "nobody")
    return `there is no account ${probe.account}: make one for this test, with this password and without second factors, in the way all accounts are made`;
  const factors = await factorsOf(probe);
  if (factors.length > 0)
    return `the account ${probe.account} has second factors (${factors.join(", ")}), which the test would replace: remove them, or make an account for it`;
  return undefined;
}

async function factorsOf(probe: Probe): Promise<readonly string[]> {
  const stored = await attempt(() => probe.stored());
  const keys = probe.has("get_webauthn_credentials")
    ? await attempt(() => probe.list("get_webauthn_credentials"))
    : undefined;
  return [
    ...(stored.value?.totp === undefined ? [] : ["authenticator app"]),
    ...((stored.value?.codes.length ?? 0) === 0 ? [] : ["recovery codes"]),
    ...((keys?.value?.values.length ?? 0) === 0 ? [] : ["security keys"]),
  ];
}

/** In the order of the groups, and each after those it builds on. */
async function judge(probe: Probe, groups: readonly PropertyGroup[], signal: AbortSignal): Promise<readonly Judged[]> {
  const all = groups.flatMap(({ title, properties }) => properties.map((property) => ({ group: title, property })));
  const results = new Map<string, Judged>();
  const judgeOne = async (group: string, property: Property): Promise<Judged> => {
    const about = { id: property.id, group, title: property.title };
    const missing = (property.needs ?? []).filter((fn) => !probe.has(fn));
    if (missing.length > 0)
      return { ...about, result: "not_applicable", because: `the script does not define ${missing.join(", ")}` };
    for (const id of property.after ?? []) {
      const { result } = await resultOf(id);
      if (result !== "passed") return { ...about, result: "not_checked", because: `${id} comes first` };
    }
    if (signal.aborted) return { ...about, result: "not_checked", because: "the test was interrupted" };
    const before = probe.logged().length;
    const { deviation } = await attempt(() => property.check(probe));
    if (deviation === undefined) return { ...about, result: "passed" };
    const { call, expected, got } = deviation;
    return {
      ...about,
      result: "failed",
      finding: { call, expected, got, change: property.change, log: probe.logged().slice(before).slice(-3) },
    };
  };
  const resultOf = async (id: string): Promise<Judged> => {
    const known = results.get(id);
    if (known !== undefined) return known;
    const found = all.find(({ property }) => property.id === id);
    if (found === undefined) throw new Error(`there is no property ${id}`);
    const judged = await judgeOne(found.group, found.property);
    results.set(id, judged);
    return judged;
  };
  const judged: Judged[] = [];
  for (const { property } of all) judged.push(await resultOf(property.id));
  return judged;
}

/** Removes what was written; what is still there then. */
async function removeAll(probe: Probe): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of probe.written()) {
    for (const fn of ["delete_totp", "delete_totp_recovery_codes"] as const)
      if (probe.has(fn)) await attempt(() => probe.write(fn, {}, name));
    if (probe.has("get_webauthn_credentials")) await attempt(() => removeCredentials(probe, name));
    if (name === probe.account) left.push(...(await factorsOf(probe)));
    else if ((await attempt(() => probe.lookup(name))).value?.kind === "account") left.push(`an account ${name}`);
  }
  return left;
}

type Attempt<Value> =
  | { readonly value: Value; readonly deviation?: never }
  | { readonly value?: never; readonly deviation: Deviation };

async function attempt<Value>(work: () => Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof Deviation) return { deviation: error };
    throw error;
  }
}
