import { type Demand, type Level, levelNames, levelOf } from "../login/index.ts";

/** What the operator asks of everybody who opens a client. */
export type ClientPolicy = Pick<Demand, "policy" | "methods">;

/** What an authorization request asks of the proof (OpenID Connect Core sections 3.1.2.1 and 5.5.1.1). */
export interface AcrRequest {
  /** Names in the order the client likes them. */
  readonly names: readonly string[];
  /** Something else than these is an error. */
  readonly isEssential: boolean;
}

/** The names of all levels somebody can reach, for discovery. */
export function acrValues(highest: Level): readonly string[] {
  return levelNames("oidc").filter((name) => (levelOf(name) ?? 4) <= highest);
}

/** Reads `acr_values` and the `acr` of the `claims` parameter. What cannot be read asks for nothing: the library refuses it by itself. */
export function acrRequest(params: Readonly<Record<string, unknown>>): AcrRequest {
  const claim = acrClaim(params["claims"]);
  const values: unknown = claim?.["values"];
  const claimed: readonly unknown[] = [claim?.["value"], ...(Array.isArray(values) ? (values as unknown[]) : [])];
  const listed = typeof params["acr_values"] === "string" ? params["acr_values"].split(" ") : [];
  const names: readonly unknown[] = [...claimed, ...(claimed.some((name) => typeof name === "string") ? [] : listed)];
  return {
    names: names.filter((name): name is string => typeof name === "string" && name !== ""),
    isEssential: claim?.["essential"] === true,
  };
}

function acrClaim(claims: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = typeof claims === "string" ? JSON.parse(claims) : claims;
    return objectOf(objectOf(objectOf(parsed)?.["id_token"])?.["acr"]);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/**
 * The demand of a request. `undefined`: it insists on names nobody here knows or can reach.
 * @param highest the strongest proof anybody can give here.
 */
export function demandOf(request: AcrRequest, policy: ClientPolicy, highest: Level): Demand | undefined {
  const levels = request.names.flatMap((name) => levelOf(name) ?? []).filter((level) => level <= highest);
  if (request.isEssential && request.names.length > 0 && levels.length === 0) return undefined;
  // Of several names any is good enough; a wish goes for the one that was named first.
  const essential = request.isEssential && levels.length > 0 ? (Math.min(...levels) as Level) : 1;
  return { ...policy, essential, wish: levels[0] ?? 1, allowTrust: true };
}

/** The name to state for a level: the one the request knows it by, where it is true. */
export function acrName(request: AcrRequest, level: Level): string {
  const own = `urn:moonlatch:level:${level}`;
  const known = request.names.filter((name) => {
    const its = levelOf(name);
    return its !== undefined && its <= level;
  });
  // Without a name of the request's own that is true, the plain truth.
  return known[0] ?? own;
}
