import type {
  AccountBackend,
  AccountKey,
  CallContext,
  FieldValue,
  FunctionName,
  ListOutcome,
  LookupOutcome,
  PasswordOutcome,
  RequestFields,
  WriteOutcome,
} from "../backend/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type DecodedResult, decodeCode, decodeResult, decodeStrings } from "./decode.ts";
import type { RawResult } from "./messages.ts";
import type { LuaBackendOptions } from "./options.ts";
import type { LuaPool } from "./pool.ts";
import { toBytes } from "./values.ts";

export interface Backend {
  readonly options: LuaBackendOptions;
  readonly pool: LuaPool;
}

type Asked =
  | { readonly code: "ok"; readonly raw: RawResult }
  | { readonly code: "not_found" | "denied"; readonly message: string | undefined }
  | { readonly code: "unavailable"; readonly reason: string };

type Verified =
  | { readonly code: "user"; readonly decoded: Extract<DecodedResult, { kind: "account" }> }
  | Exclude<Asked, { code: "ok" }>;

/** The {@link AccountBackend} over Lua: backends in order until one finds the user, and then always the same one for that account. */
export function createLuaAccounts({
  backends,
  logger,
}: {
  backends: readonly Backend[];
  logger: Logger;
}): AccountBackend {
  const hinted = new Set<string>();

  const unavailable = (
    backend: Backend,
    fn: FunctionName,
    context: CallContext,
    reason: string,
  ): { code: "unavailable"; reason: string } => {
    logger.error("A backend function failed; the request gets a temporary failure.", {
      backend: backend.options.name,
      script: backend.options.script,
      function: fn,
      reason,
      reference: context.session,
      client_id: context.oidc_cid,
    });
    return { code: "unavailable", reason };
  };

  const ask = async (backend: Backend, fn: FunctionName, context: CallContext, own: RequestFields): Promise<Asked> => {
    if (!backend.pool.functions().includes(fn))
      return unavailable(backend, fn, context, `the script does not define ${fn}`);
    const outcome = await backend.pool.call(fn, { ...requestOf(context), ...own });
    if (!outcome.ok) return unavailable(backend, fn, context, outcome.reason);
    const { result } = outcome;
    if (result.logged.length > 0)
      logger.info("Added by a script.", {
        backend: backend.options.name,
        reference: context.session,
        ...Object.fromEntries(result.logged),
      });
    const code = decodeCode(result);
    if (typeof code === "object") return unavailable(backend, fn, context, code.fault);
    return code === "ok" ? { code, raw: result } : { code, message: result.statusMessage ?? undefined };
  };

  const verify = async (
    backend: Backend,
    username: string,
    context: CallContext,
    own: RequestFields,
  ): Promise<Verified> => {
    const fn = "nauthilus_backend_verify_password";
    const asked = await ask(backend, fn, context, { username: toBytes(username), method: "plain", ...own });
    if (asked.code !== "ok") return asked;
    const decoded = decodeResult(asked.raw, username, backend.options.name);
    if (decoded.kind === "fault") return unavailable(backend, fn, context, decoded.fault);
    if (decoded.kind === "no_user") return { code: "not_found", message: undefined };
    hint(backend, decoded.hint);
    return { code: "user", decoded };
  };

  const hint = (backend: Backend, text: string | undefined): void => {
    const key = `${backend.options.name}: ${text}`;
    if (text === undefined || hinted.has(key)) return;
    hinted.add(key);
    logger.warn("A hint for the author of a backend script.", { backend: backend.options.name, hint: text });
  };

  const serving = (context: CallContext, name?: string): readonly Backend[] =>
    backends.filter(
      ({ options }) => options.protocols.includes(context.protocol) && (name === undefined || options.name === name),
    );

  const firstThatKnows = async (
    candidates: readonly Backend[],
    work: (backend: Backend) => Promise<Verified>,
  ): Promise<Verified> => {
    let last: Verified =
      candidates.length === 0
        ? { code: "unavailable", reason: "no backend serves this protocol (lua.backends[].protocols)" }
        : { code: "not_found", message: undefined };
    for (const backend of candidates) {
      last = await work(backend);
      if (last.code !== "not_found") return last;
    }
    return last;
  };

  const about = async (
    account: AccountKey,
    fn: FunctionName,
    context: CallContext,
    own: RequestFields,
  ): Promise<Asked> => {
    const backend = backends.find(({ options }) => options.name === account.backend);
    if (backend === undefined)
      return { code: "unavailable", reason: `there is no backend ${account.backend} any more` };
    const who = {
      username: toBytes(account.name),
      account: toBytes(account.name),
      unique_user_id: toBytes(account.unique_user_id ?? ""),
    };
    return ask(backend, fn, context, { ...who, ...own });
  };
  const write = async (
    account: AccountKey,
    fn: FunctionName,
    context: CallContext,
    own: RequestFields,
  ): Promise<WriteOutcome> => {
    const asked = await about(account, fn, context, own);
    return asked.code === "unavailable" ? asked : { code: asked.code };
  };
  const strings = (asked: Asked): ListOutcome => {
    if (asked.code !== "ok") return asked.code === "unavailable" ? asked : { code: asked.code };
    const values = decodeStrings(asked.raw);
    return values === undefined
      ? { code: "unavailable", reason: "the second return value is not a list of strings" }
      : { code: "ok", values };
  };

  return {
    functions: (name) => new Set(backends.find(({ options }) => options.name === name)?.pool.functions()),
    async verifyPassword(username, password, context): Promise<PasswordOutcome> {
      const own = { password: toBytes(password.expose()), no_auth: false };
      const found = await firstThatKnows(serving(context), (backend) => verify(backend, username, context, own));
      if (found.code === "unavailable") return found;
      if (found.code !== "user") return { code: "rejected", because: found.code, message: found.message };
      const { authenticated, account } = found.decoded;
      return authenticated
        ? { code: "accepted", account }
        : { code: "rejected", because: "wrong_password", message: undefined };
    },
    async lookup(username, context, backend): Promise<LookupOutcome> {
      const found = await firstThatKnows(serving(context, backend), (one) =>
        verify(one, username, context, { no_auth: true }),
      );
      if (found.code === "user") return { code: "found", account: found.decoded.account };
      if (found.code === "not_found") return { code: "not_found" };
      return found;
    },
    async listAccounts(context) {
      const names = new Set<string>();
      for (const backend of backends) {
        const listed = strings(await ask(backend, "nauthilus_backend_list_accounts", context, {}));
        if (listed.code !== "ok") return listed;
        for (const name of listed.values) names.add(name);
      }
      return { code: "ok", values: [...names] };
    },
    addTotp: (account, secret, context) =>
      write(account, "nauthilus_backend_add_totp", context, { totp_secret: secret.expose() }),
    deleteTotp: (account, context) => write(account, "nauthilus_backend_delete_totp", context, {}),
    addRecoveryCodes: (account, codes, context) =>
      write(account, "nauthilus_backend_add_totp_recovery_codes", context, {
        totp_recovery_codes: codes.map((code) => code.expose()),
      }),
    deleteRecoveryCodes: (account, context) =>
      write(account, "nauthilus_backend_delete_totp_recovery_codes", context, {}),
    webauthnCredentials: async (account, context) =>
      strings(await about(account, "nauthilus_backend_get_webauthn_credentials", context, {})),
    saveWebauthnCredential: (account, credential, context) =>
      write(account, "nauthilus_backend_save_webauthn_credential", context, {
        webauthn_credential: toBytes(credential),
      }),
    deleteWebauthnCredential: (account, credential, context) =>
      write(account, "nauthilus_backend_delete_webauthn_credential", context, {
        webauthn_credential: toBytes(credential),
      }),
    updateWebauthnCredential: (account, before, after, context) =>
      write(account, "nauthilus_backend_update_webauthn_credential", context, {
        webauthn_old_credential: toBytes(before),
        webauthn_credential: toBytes(after),
      }),
  };
}

/** The fields a context fills. What is empty is left to the defaults. */
function requestOf(context: CallContext): RequestFields {
  const fields: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(context) as [string, string | readonly string[]][]) {
    if (value.length > 0) fields[name] = typeof value === "string" ? toBytes(value) : value.map(toBytes);
  }
  return fields;
}
