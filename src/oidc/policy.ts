import { interactionPolicy, type KoaContextWithOIDC, type interactionPolicy as Policy } from "oidc-provider";
import type { Clock } from "../kernel/index.ts";
import {
  isMet,
  type Level,
  type Levels,
  levelOfProofs,
  type SessionFacts,
  type SessionFactsStore,
} from "../login/index.ts";
import { isDenied } from "./account.ts";
import type { OidcClients } from "./clients.ts";
import { acrName, acrRequest, demandOf } from "./demands.ts";

const { Prompt, Check, base } = interactionPolicy;

export interface PolicyDeps {
  readonly clock: Clock;
  /** Milliseconds after which a browser session ends whatever happens in it. */
  readonly absolute: number;
  readonly clients: OidcClients;
  readonly sessionFacts: SessionFactsStore;
  readonly levels: Levels;
  /** The strongest proof anybody can give here. */
  readonly highest: () => Level;
}

/** What the level check is called among the reasons of a prompt. */
export const LEVEL_REASON = "level";

/**
 * Asks, in order: which account (`select_account`), who you are and how surely (`login`), may this account use this application
 * (`application_access`), and what may the application have (`consent`).
 */
export function createPolicy(deps: PolicyDeps): Policy.DefaultPolicy {
  const { clock, absolute } = deps;
  const policy = base();
  const login = policy.get("login");
  // Levels have several names, and operators ask, too: one check of ours instead of two that compare names.
  login?.checks.remove("essential_acr");
  login?.checks.remove("essential_acrs");
  login?.checks.add(
    new Check("session_over", "the session is older than allowed", "login_required", (ctx) =>
      isOver(ctx, clock, absolute),
    ),
  );
  login?.checks.add(
    new Check(LEVEL_REASON, "a stronger sign-in is required", "login_required", (ctx) => isTooWeak(ctx, deps)),
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

/** Whether somebody must prove more than the session has. Where not, the session is called by the name the client asked with. */
async function isTooWeak(
  ctx: KoaContextWithOIDC,
  { clients, sessionFacts, levels, highest }: PolicyDeps,
): Promise<boolean> {
  const { session, result, client, prompts } = ctx.oidc;
  if (session?.accountId === undefined) return false;
  const request = acrRequest(ctx.oidc.params ?? {});
  const demand = demandOf(request, clients.policy(client?.clientId), highest());
  if (demand === undefined) return true;
  const facts = await sessionFacts.get(session.uid);
  if (facts !== undefined) sessionFacts.touch(session.uid, facts);
  const known: Pick<SessionFacts, "proofs" | "isTrusted"> = facts ?? { proofs: [], isTrusted: false };
  const level = levelOfProofs(known.proofs, levels);
  if (!isMet(demand, known, levels)) return true;
  // Just asked, the person gave what they have.
  if (result?.["login"] !== undefined) return false;
  if (level < demand.wish && !prompts.has("none")) return true;
  session.acr = acrName(request, level);
  return false;
}
