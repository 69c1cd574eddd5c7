import { type Level, levelOf } from "../../login/index.ts";
import type { RequestedAuthnContext } from "../inbound/messages.ts";

/** saml-authn-context 3.4.2 */
export const PASSWORD_PROTECTED_TRANSPORT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/** The class others know a level by, where nothing else was asked for. */
const OWN: Readonly<Record<Level, string>> = {
  1: PASSWORD_PROTECTED_TRANSPORT,
  2: "https://refeds.org/profile/mfa",
  3: "urn:moonlatch:level:3",
};

/**
 * The AuthnContextClassRef to state for a sign-in of this level (saml-core 3.3.2.2.1), or `undefined` when it does not satisfy the
 * request. A class nobody here knows satisfies nothing.
 */
export function contextFor(requested: RequestedAuthnContext | undefined, level: Level): string | undefined {
  if (requested === undefined) return OWN[level];
  const known = requested.classes.flatMap((name) => {
    const its = levelOf(name);
    return its === undefined ? [] : [{ name, level: its }];
  });
  const stated = known.find((one) =>
    fits(requested.comparison, one.level, level, Math.max(...known.map((other) => other.level))),
  );
  if (stated === undefined) return undefined;
  // The weaker class is true of a stronger sign-in; the reverse would be a lie.
  if (stated.level <= level && requested.comparison !== "better") return stated.name;
  return OWN[level];
}

function fits(
  comparison: RequestedAuthnContext["comparison"],
  wanted: number,
  given: number,
  strongest: number,
): boolean {
  switch (comparison) {
    // Levels build on one another: who proved two factors also gave a password, so `exact` is met by more.
    case "exact":
    case "minimum":
      return given >= wanted;
    case "better":
      return given > strongest;
    // A weaker class is true of a stronger sign-in as well, so there is always one to state.
    case "maximum":
      return true;
    default:
      return comparison satisfies never;
  }
}
