import { interactionPolicy, type KoaContextWithOIDC, type interactionPolicy as Policy } from "oidc-provider";

import type { Clock } from "../kernel/index.ts";
import { isDenied } from "./account.ts";

/** The acr values of one factor: our own and its REFEDS alias. */
export const LEVEL_1 = "urn:moonlatch:level:1";
export const ACR_VALUES: readonly string[] = [LEVEL_1, "https://refeds.org/profile/sfa"];

const { Prompt, Check, base } = interactionPolicy;

/**
 * Asks, in order: which account (`select_account`), who you are (`login`), may this account use this application
 * (`application_access`), and what may the application have (`consent`).
 * @param absolute milliseconds after which a browser session ends whatever happens in it.
 */
export function createPolicy({ clock, absolute }: { clock: Clock; absolute: number }): Policy.DefaultPolicy {
  const policy = base();
  policy
    .get("login")
    ?.checks.add(
      new Check("session_over", "the session is older than allowed", "login_required", (ctx) =>
        isOver(ctx, clock, absolute),
      ),
    );
  policy.add(new Prompt({ name: "select_account", requestable: true }, () => ({})), 0);
  policy.add(
    new Prompt(
      { name: "application_access" },
      () => ({}),
      new Check("denied", "this account may not use the application", "access_denied", (ctx) =>
        isDenied(ctx.oidc.account),
      ),
    ),
    2,
  );
  return policy;
}

function isOver(ctx: KoaContextWithOIDC, clock: Clock, absolute: number): boolean {
  const { session, result } = ctx.oidc;
  if (session?.accountId === undefined || session.loginTs === undefined || result?.["login"] !== undefined)
    return false;
  return clock.now() - session.loginTs * 1000 > absolute;
}
