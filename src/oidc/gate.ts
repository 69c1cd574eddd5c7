import type { Request, Response } from "express";
import type { Interaction, InteractionResults, Provider } from "oidc-provider";
import { errors } from "oidc-provider";
import type {
  Access,
  AccountIdentity,
  Identities,
  Level,
  LoginOutcome,
  LoginState,
  RequestFacts,
  SessionFacts,
  SessionFactsStore,
  SignInGate,
  SignInRequest,
} from "../login/index.ts";
import { ACCESS_RESULT, PROOFS_RESULT, type ProofsResult } from "./account.ts";
import type { OidcClients } from "./clients.ts";
import { acrName, acrRequest, demandOf } from "./demands.ts";
import type { Consents } from "./grants.ts";
import { LEVEL_REASON } from "./policy.ts";
import { switchAccount } from "./switch-account.ts";

export interface OidcGateDeps {
  readonly provider: Provider;
  readonly identities: Identities;
  readonly access: Access;
  readonly clients: OidcClients;
  readonly consents: Consents;
  readonly facts: RequestFacts;
  readonly sessionFacts: SessionFactsStore;
  readonly highest: () => Level;
}

/** oidc-provider's side of a sign-in: its interactions as {@link SignInRequest}s, outcomes as interaction results. */
export function createOidcGate(deps: OidcGateDeps): SignInGate {
  const find = async (req: Request, res: Response, id: string): Promise<Interaction | undefined> => {
    try {
      const interaction = await deps.provider.interactionDetails(req, res);
      // The cookie names the interaction; the address must agree, so that one tab cannot act on another's.
      return interaction.uid === id ? interaction : undefined;
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined;
      throw error;
    }
  };
  // An attempt is moved once (compare-and-swap), so nobody else touches the interaction between `open` and `finish`.
  const opened = new WeakMap<SignInRequest, Interaction>();
  return {
    via: "oidc",
    async open(req, res, id) {
      const interaction = await find(req, res, id);
      if (interaction === undefined)
        return hasCookie(req, deps.provider.cookieName("interaction")) ? "expired" : "no_cookie";
      const request = await requestOf(interaction, deps);
      opened.set(request, interaction);
      return request;
    },
    async finish(req, res, request, outcome) {
      const interaction = opened.get(request);
      if (interaction === undefined) return `/login/oidc/${encodeURIComponent(request.id)}`;
      const result = await resultOf(outcome, interaction, request, { ...deps, session: deps.facts.of(req) });
      if (outcome.kind === "signed_in" && isAnotherAccount(interaction, outcome.account)) {
        return localPart(await switchAccount(deps.provider, { req, res, interaction, result }));
      }
      interaction.result = "error" in result ? result : { ...interaction.lastSubmission, ...result };
      await interaction.persist();
      return localPart(interaction.returnTo);
    },
  };
}

function hasCookie(req: Request, name: string): boolean {
  return (req.headers.cookie ?? "").split("; ").some((cookie) => cookie.startsWith(`${name}=`));
}

/** oidc-provider names its own resume route with our origin; the browser is there already. */
function localPart(address: string): string {
  const { pathname, search } = new URL(address);
  return pathname + search;
}

function isAnotherAccount(interaction: Interaction, account: AccountIdentity): boolean {
  return interaction.session?.accountId !== undefined && interaction.session.accountId !== account.subject;
}

async function requestOf(interaction: Interaction, deps: OidcGateDeps): Promise<SignInRequest> {
  const { params, session } = interaction;
  const clientId = text(params["client_id"]);
  const account = session?.accountId === undefined ? undefined : await deps.identities.find(session.accountId);
  const facts = session === undefined ? undefined : await deps.sessionFacts.get(session.uid);
  const policy = deps.clients.policy(clientId);
  const demand = demandOf(acrRequest(params), policy, deps.highest());
  const metadata = deps.clients.metadata(clientId);
  const remembered = account === undefined ? undefined : await deps.consents.find(account.subject, clientId);
  const redirectUri = text(params["redirect_uri"]);
  return {
    id: interaction.uid,
    protocol: "oidc",
    application: {
      protocol: "oidc",
      oidc_cid: clientId,
      saml_entity_id: "",
      oidc_client_name: metadata?.client_name ?? "",
      redirect_uri: redirectUri,
      requested_scopes: text(params["scope"])
        .split(" ")
        .filter((scope) => scope !== ""),
    },
    rule: deps.clients.rule(clientId),
    app: deps.clients.name(clientId),
    details: {
      host: hostOf(redirectUri),
      policyUri: metadata?.policy_uri,
      tosUri: metadata?.tos_uri,
      granted: remembered?.scopes ?? [],
    },
    uiLocales: params["ui_locales"] === undefined ? undefined : text(params["ui_locales"]),
    demand: demand ?? { ...policy, essential: 1, wish: 1, allowTrust: true },
    // An essential `acr` that nobody here knows (OpenID Connect Core section 5.5.1.1) is an error, not an endless sign-in.
    initial: demand === undefined ? UNMET : initialState(interaction, account, facts),
    expiresAt: interaction.exp * 1000,
  };
}

const UNMET: LoginState = { at: "done", outcome: { kind: "demand_unmet" } };

/** The prompt oidc-provider could not answer itself decides where the attempt begins. */
function initialState(
  interaction: Interaction,
  account: AccountIdentity | undefined,
  facts: SessionFacts | undefined,
): LoginState {
  const { prompt, params } = interaction;
  const hint = text(params["login_hint"]);
  if (account === undefined) return { at: "identify", username: hint, fixed: false };
  switch (prompt.name) {
    case "select_account":
      return { at: "choose", account };
    case "consent": {
      const missing = prompt.details as { missingOIDCScope?: string[]; missingOIDCClaims?: string[] };
      const scopes =
        missing.missingOIDCScope ??
        text(params["scope"])
          .split(" ")
          .filter((scope) => scope !== "");
      return { at: "consent", account, ask: { scopes, claims: missing.missingOIDCClaims ?? [] } };
    }
    case "application_access":
      return { at: "refused", account };
    default:
      // Who signed in before only proves what is missing; who must be fresh proves everything.
      return prompt.reasons.every((reason) => reason === LEVEL_REASON)
        ? { at: "more", account, proofs: facts?.proofs ?? [], remember: facts?.remember ?? false }
        : { at: "identify", username: account.name, fixed: !prompt.reasons.includes("id_token_hint") };
  }
}

type ResultDeps = OidcGateDeps & { readonly session: ReturnType<RequestFacts["of"]> };

async function resultOf(
  outcome: LoginOutcome,
  interaction: Interaction,
  request: SignInRequest,
  deps: ResultDeps,
): Promise<InteractionResults> {
  switch (outcome.kind) {
    case "signed_in":
      return signedIn(outcome, interaction, request, deps);
    case "nothing_to_ask":
    case "account_confirmed":
      return { select_account: {} };
    case "consented":
      return { consent: { grantId: await saveGrant(outcome, interaction, deps) } };
    case "consent_denied":
    case "cancelled":
      return { error: "access_denied", error_description: "the person did not allow the request" };
    case "application_refused":
      return { error: "access_denied", error_description: "the account may not use this application" };
    case "demand_unmet":
      return { error: "unmet_authentication_requirements", error_description: "the requested acr cannot be reached" };
    default:
      return outcome satisfies never;
  }
}

async function signedIn(
  outcome: Extract<LoginOutcome, { kind: "signed_in" }>,
  interaction: Interaction,
  request: SignInRequest,
  deps: ResultDeps,
): Promise<InteractionResults> {
  const { account, amr, authTime, remember, level, proofs, isTrusted } = outcome;
  const decision = await deps.access.decide(account, request.rule, {
    ...deps.session,
    ...request.application,
    grant_type: "",
  });
  const login = {
    accountId: account.subject,
    acr: acrName(acrRequest(interaction.params), level),
    amr: [...amr],
    remember,
    ts: authTime,
  };
  const proven: ProofsResult = { proofs, isTrusted, remember };
  const selected = interaction.prompt.name === "select_account" ? { select_account: {} } : {};
  // An unavailable backend is not handed on: the resume route asks again and answers 503 if it still is.
  const access = decision.code === "unavailable" ? {} : { [ACCESS_RESULT]: { subject: account.subject, decision } };
  return { login, ...selected, ...access, [PROOFS_RESULT]: proven };
}

async function saveGrant(
  outcome: Extract<LoginOutcome, { kind: "consented" }>,
  interaction: Interaction,
  deps: OidcGateDeps,
): Promise<string> {
  const accountId = interaction.session?.accountId ?? "";
  const clientId = text(interaction.params["client_id"]);
  const existing = interaction.grantId === undefined ? undefined : await deps.provider.Grant.find(interaction.grantId);
  const grant = existing ?? new deps.provider.Grant({ accountId, clientId });
  if (outcome.scopes.length > 0) grant.addOIDCScope(outcome.scopes.join(" "));
  if (outcome.rejected.length > 0) grant.rejectOIDCScope(outcome.rejected.join(" "));
  if (outcome.claims.length > 0) grant.addOIDCClaims([...outcome.claims]);
  const id = await grant.save();
  await deps.consents.add(accountId, clientId, { scopes: outcome.scopes, claims: outcome.claims });
  return id;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).host : "";
}
