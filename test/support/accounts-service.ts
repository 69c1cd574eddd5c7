import { bodyOf, startWebServer, type WebServer } from "./web-server.ts";

export interface ServedAccount {
  readonly password: string;
  readonly unique_id: string;
  readonly display_name: string;
  readonly mail?: string;
  readonly groups: readonly string[];
  disabled?: boolean;
  totp_secret?: string;
  recovery_codes?: readonly string[];
  readonly credentials: string[];
}

type Fields = Readonly<Record<string, string>> & {
  readonly no_auth?: boolean;
  readonly totp_recovery_codes?: readonly string[];
};
type Reply = Readonly<Record<string, unknown>> & { readonly result: "ok" | "not_found" | "denied" };

const OK: Reply = { result: "ok" };
const NOT_FOUND: Reply = { result: "not_found" };

export interface AccountsService {
  readonly url: string;
  readonly token: string;
  readonly accounts: Map<string, ServedAccount>;
  /** What was asked, in order. */
  readonly asked: { readonly path: string; readonly fields: Fields }[];
  close(): Promise<void>;
}

/** The JSON service that `lua/http.lua` speaks to, as lua/README.md describes it; accounts are in memory. */
export async function startAccountsService(): Promise<AccountsService> {
  const token = "token-of-the-service";
  const accounts = new Map<string, ServedAccount>();
  const asked: AccountsService["asked"] = [];
  const server: WebServer = await startWebServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { method, url: path = "", headers } = request;
      if (method !== "POST" || headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end();
      const fields = JSON.parse(body.toString()) as Fields;
      asked.push({ path, fields });
      const reply = answer(accounts, path.slice(1), fields);
      return response.setHeader("Content-Type", "application/json").end(JSON.stringify(reply));
    });
  });
  return { url: `http://localhost:${server.port}`, token, accounts, asked, close: () => server.close() };
}

function answer(accounts: Map<string, ServedAccount>, name: string, fields: Fields): Reply {
  if (name === "list_accounts") return { result: "ok", accounts: [...accounts.keys()] };
  const account = accounts.get(fields["username"] ?? "");
  if (name === "get_webauthn_credentials") return { result: "ok", credentials: account?.credentials ?? [] };
  if (account === undefined) return NOT_FOUND;
  return name === "verify_password" ? verify(account, fields) : change(account, name, fields);
}

function verify(account: ServedAccount, { username, password, no_auth }: Fields): Reply {
  const { unique_id, display_name, mail, groups, totp_secret, recovery_codes } = account;
  const authenticated = no_auth !== true && password === account.password;
  if (account.disabled === true && (authenticated || no_auth === true)) return { result: "denied" };
  const attributes = { account: username, unique_id, display_name, mail, groups, totp_secret, recovery_codes };
  return { result: "ok", authenticated, attributes };
}

function change(account: ServedAccount, name: string, fields: Fields): Reply {
  const { credentials } = account;
  const credential = fields["webauthn_credential"] ?? "";
  const at = credentials.indexOf(name.startsWith("update") ? (fields["webauthn_old_credential"] ?? "") : credential);
  switch (name) {
    case "add_totp":
      account.totp_secret = fields["totp_secret"] ?? "";
      return OK;
    case "delete_totp":
      delete account.totp_secret;
      return OK;
    case "add_totp_recovery_codes":
      account.recovery_codes = fields.totp_recovery_codes ?? [];
      return OK;
    case "delete_totp_recovery_codes":
      delete account.recovery_codes;
      return OK;
    case "save_webauthn_credential":
      if (at < 0) credentials.push(credential);
      return OK;
    default:
      if (at < 0) return NOT_FOUND;
      credentials.splice(at, 1, ...(name.startsWith("update") ? [credential] : []));
      return OK;
  }
}
