import type { IncomingMessage } from "node:http";
import type { Config } from "../config/index.ts";
import type { Pages } from "../http/index.ts";
import { preferencesOf } from "../http/index.ts";

const KNOWN: ReadonlySet<string> = new Set([
  "openid",
  "profile",
  "email",
  "phone",
  "address",
  "groups",
  "offline_access",
]);

/** Says in the person's language what a scope lets an application have. */
export function createScopeTitles(pages: Pages, scopes: Config["oidc"]["scopes"]) {
  return (req: IncomingMessage, uiLocales: string | undefined, scope: string): string => {
    const { lang, t } = pages.translator({ ...(uiLocales === undefined ? {} : { uiLocales }), ...preferencesOf(req) });
    const own = scopes[scope]?.description;
    return own?.[lang] ?? own?.["en"] ?? (KNOWN.has(scope) ? t(`scope.${scope}`) : scope);
  };
}
