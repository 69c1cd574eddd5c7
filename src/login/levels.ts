/** How strongly a person proved who they are: 1 one factor, 2 two factors, 3 phishing-resistant. */
export type Level = 1 | 2 | 3;

/** Names of the levels: our own, and those others know them by. In `acr` (OpenID Connect) and AuthnContextClassRef (SAML) alike. */
const NAMES: Readonly<Record<string, Level>> = {
  "urn:moonlatch:level:1": 1,
  "urn:moonlatch:level:2": 2,
  "urn:moonlatch:level:3": 3,
  "https://refeds.org/profile/sfa": 1,
  "https://refeds.org/profile/mfa": 2,
  phr: 3,
  "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport": 1,
};

/** The level a name stands for. */
export function levelOf(name: string): Level | undefined {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

/** The names one protocol uses. */
export function levelNames(protocol: "oidc" | "saml"): readonly string[] {
  return Object.keys(NAMES).filter((name) => (protocol === "oidc" ? !name.startsWith("urn:oasis:") : name !== "phr"));
}
