// `npm run bench`: medians of interleaved rounds in one run; CPU per operation, each beside its baseline.
import { benchLua } from "./lua.ts";
import { type Measured, median } from "./measure.ts";
import { benchMfa } from "./mfa.ts";
import { benchOidc } from "./oidc.ts";
import { benchSaml } from "./saml.ts";

const ROUNDS = 5;

function report(title: string, [subject, baseline]: readonly Measured[]): void {
  if (subject === undefined || baseline === undefined) return;
  const [own, other] = [median(subject.cpu), median(baseline.cpu)];
  process.stdout.write(
    `${title}: ${own.toFixed(1)} µs CPU, beside ${baseline.name} ${other.toFixed(1)} µs, ratio ${(own / other).toFixed(2)}\n`,
  );
}

const saml = await benchSaml(ROUNDS);
report("SAML gate, signed AuthnRequest over Redirect", saml.redirect);
report("SAML gate, signed AuthnRequest over POST", saml.post);
report("SAML response, both signatures", saml.response);
report("Whole SAML login, memory store, no hash", saml.login);
const lua = await benchLua(ROUNDS);
report("Lua call with a full request, 32 in flight", lua.trivial);
report("Lua verify_password with a result object, 32 in flight", lua.verify);
const oidc = await benchOidc(ROUNDS);
report("Token (refresh with rotation, RS256 ID token), SQLite", oidc.token);
report("Introspection, SQLite", oidc.introspection);
report("Whole login with code and tokens, SQLite, no hash", oidc.login);
const mfa = await benchMfa(ROUNDS);
report("Sign-in with an authenticator app, SQLite, no hash", mfa.totp);
report("Sign-in with a security key, SQLite, no hash", mfa.key);
process.stdout.write(`One ES256 verification: ${mfa.signature.toFixed(1)} µs CPU\n`);
