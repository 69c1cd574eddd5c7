import type { Account, FunctionName, RequestFields } from "../../backend/index.ts";
import type { Clock, Random, Secret } from "../../kernel/index.ts";
import { decodeCode, decodeResult } from "../decode.ts";
import type { RawResult } from "../messages.ts";
import type { CallOutcome } from "../pool.ts";
import { fromBytes, toBytes } from "../values.ts";
import { Deviation, expect, type ShortName } from "./deviation.ts";

export interface ProbeDeps {
  readonly backend: string;
  readonly functions: readonly FunctionName[];
  readonly call: (fn: FunctionName, fields: RequestFields) => Promise<CallOutcome>;
  /** The account that is written to, and its password. */
  readonly account: string;
  readonly password: Secret;
  /** What was logged so far. */
  readonly log: () => readonly string[];
  /** Milliseconds a call may take (`limits.call`). */
  readonly limit: number;
  readonly clock: Clock;
  readonly random: Random;
}

export type Code = "ok" | "not_found" | "denied";

/** What a password check or lookup said: somebody, or nobody. */
export type Verdict =
  | { readonly kind: "account"; readonly authenticated: boolean; readonly account: Account; readonly hint?: string }
  | { readonly kind: "nobody"; readonly code: Code };

export interface Stored {
  readonly totp: string | undefined;
  readonly codes: readonly string[];
  readonly account: Account;
}

/** Single calls to a script, as the host makes them. Each throws {@link Deviation} for what the host would take as a failure. */
export interface Probe {
  readonly account: string;
  readonly password: string;
  /** A name that nobody has. */
  readonly unknown: string;
  readonly limit: number;
  readonly has: (fn: ShortName) => boolean;
  readonly signIn: (name: string, password: string) => Promise<Verdict>;
  readonly lookup: (name: string) => Promise<Verdict>;
  /** What a fresh lookup tells of the account. */
  readonly stored: () => Promise<Stored>;
  readonly write: (fn: ShortName, fields?: RequestFields, name?: string) => Promise<Code>;
  /** The list a function returns, doubles included. */
  readonly list: (
    fn: "list_accounts" | "get_webauthn_credentials",
    name?: string,
  ) => Promise<{ readonly code: Code; readonly values: readonly string[] }>;
  /** A new text in base64url; those of secrets must never be logged. */
  readonly fresh: (bytes: number) => string;
  readonly secret: (text: string) => string;
  /** Names that something was written for. */
  readonly written: () => readonly string[];
  /** The call that took longest of those that were alone. */
  readonly slowest: () => { readonly call: ShortName; readonly milliseconds: number };
  /** What was logged so far, without secrets. */
  readonly logged: () => readonly string[];
  /** The texts that were logged or raised with a secret in them, without it. */
  readonly leaks: () => readonly string[];
}

/** Characters of the account's password at least: a shorter one would be found in any text, and could not be kept out of one. */
export const SECRET_LENGTH = 8;
const PREFIX = "nauthilus_backend_";

export function createProbe(deps: ProbeDeps): Probe {
  const { account, clock, random } = deps;
  const password = deps.password.expose();
  const secrets = new Set<string>();
  const written = new Set<string>();
  const said: string[] = [];
  let slowest: ReturnType<Probe["slowest"]> = { call: "verify_password", milliseconds: 0 };
  let running = 0;
  let uniqueId = "";

  const secret = (text: string): string => {
    // Inside JSON it may be written in another way.
    for (const form of [text, JSON.stringify(text).slice(1, -1)]) secrets.add(form);
    return text;
  };
  secret(password);
  const mask = (text: string): string => [...secrets].reduce((rest, one) => rest.replaceAll(one, "[secret]"), text);

  const timed = async (call: ShortName, fields: RequestFields): Promise<CallOutcome> => {
    running += 1;
    const wasAlone = running === 1;
    const from = clock.monotonic();
    const outcome = await deps.call(`${PREFIX}${call}`, {
      protocol: "idp",
      session: "contract-kit",
      ...fields,
    });
    const milliseconds = clock.monotonic() - from;
    if (wasAlone && running === 1 && milliseconds > slowest.milliseconds) slowest = { call, milliseconds };
    running -= 1;
    return outcome;
  };
  const ask = async (call: ShortName, fields: RequestFields): Promise<{ code: Code; raw: RawResult }> => {
    const outcome = await timed(call, fields);
    if (!outcome.ok) {
      said.push(outcome.reason);
      throw new Deviation(call, "a result code", mask(outcome.reason));
    }
    const { result } = outcome;
    said.push(...result.logged.map(([, value]) => fromBytes(value)));
    const code = decodeCode(result);
    if (typeof code === "object") throw new Deviation(call, "a result code that is no failure", mask(code.fault));
    return { code, raw: result };
  };
  const who = (name: string): RequestFields => ({
    username: toBytes(name),
    account: toBytes(name),
    unique_user_id: toBytes(name === account ? uniqueId : ""),
  });
  const verify = async (name: string, fields: RequestFields): Promise<Verdict> => {
    const { code, raw } = await ask("verify_password", { username: toBytes(name), method: "plain", ...fields });
    if (code !== "ok") return { kind: "nobody", code };
    const decoded = decodeResult(raw, name, deps.backend);
    if (decoded.kind === "fault")
      throw new Deviation("verify_password", "a result object that can be used", decoded.fault);
    if (decoded.kind === "no_user") return { kind: "nobody", code };
    const { hint, ...found } = decoded;
    return { ...found, ...(hint === undefined ? {} : { hint }) };
  };
  const lookup = (name: string): Promise<Verdict> => verify(name, { no_auth: true });

  return {
    account,
    password,
    unknown: `moonlatch-kit-${random.id().slice(0, 12)}`,
    limit: deps.limit,
    has: (fn) => deps.functions.includes(`${PREFIX}${fn}`),
    signIn(name, typed) {
      if (typed.length >= SECRET_LENGTH - 1) secret(typed);
      return verify(name, { password: toBytes(typed), no_auth: false });
    },
    lookup,
    async stored() {
      const found = await lookup(account);
      if (found.kind !== "account") throw new Deviation("verify_password", "the account in a lookup", found.code);
      uniqueId = found.account.unique_user_id ?? "";
      const { totp_secret, recovery_codes } = found.account;
      return {
        totp: totp_secret?.expose(),
        codes: recovery_codes.map((code) => code.expose()),
        account: found.account,
      };
    },
    async write(fn, fields = {}, name = account) {
      if (!fn.startsWith("delete")) written.add(name);
      return (await ask(fn, { ...who(name), ...fields })).code;
    },
    async list(fn, name = account) {
      const { code, raw } = await ask(fn, fn === "list_accounts" ? {} : who(name));
      if (code !== "ok") return { code, values: [] };
      const { value } = raw;
      const items = typeof value === "object" && value !== null ? Object.values(value) : undefined;
      const texts = items?.filter((item): item is string => typeof item === "string");
      expect(
        texts !== undefined && texts.length === items?.length,
        fn,
        "a list of strings as the second return value",
        items === undefined ? raw.kind : "a list with other values in it",
      );
      return { code, values: (texts ?? []).map(fromBytes) };
    },
    fresh: (bytes) => Buffer.from(random.bytes(bytes)).toString("base64url"),
    secret,
    written: () => [...written],
    slowest: () => slowest,
    leaks: () => [...deps.log(), ...said].map(mask).filter((text) => text.includes("[secret]")),
    logged: () => deps.log().map(mask),
  };
}

/** Runs calls at the same time and waits for all, also after one of them deviated. */
export async function together<Value>(calls: readonly Promise<Value>[]): Promise<readonly Value[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
