// `npm run bench [-- part…]`: medians of interleaved rounds in one run; CPU per operation, each beside its control in the same run.
// Ends with 1 when a gate was missed, 2 when the arguments were not understood.
import { benchLua } from "./lua.ts";
import { type Gate, judge, type Measured, median } from "./measure.ts";
import { benchMfa } from "./mfa.ts";
import { benchOidc } from "./oidc.ts";
import { benchPressure } from "./pressure.ts";
import { benchSaml } from "./saml.ts";
import { benchSoak } from "./soak.ts";
import { benchStart } from "./start.ts";

const ROUNDS = 5;
/** Of the short rounds against another process. */
const SHORT_ROUNDS = 15;

function report(title: string, [subject, baseline]: readonly Measured[]): void {
  if (subject === undefined || baseline === undefined) return;
  const [own, other] = [median(subject.cpu), median(baseline.cpu)];
  process.stdout.write(
    `      ${title}: ${own.toFixed(1)} µs CPU, beside ${baseline.name} ${other.toFixed(1)} µs, ratio ${(own / other).toFixed(2)}\n`,
  );
}

const PARTS: Readonly<Record<string, () => AsyncIterable<Gate> | Promise<readonly Gate[]>>> = {
  async saml() {
    const saml = await benchSaml(ROUNDS);
    report("SAML gate, signed AuthnRequest over Redirect", saml.redirect);
    report("SAML gate, signed AuthnRequest over POST", saml.post);
    report("SAML response, both signatures", saml.response);
    report("Whole SAML login, memory store, no hash", saml.login);
    return [];
  },
  async lua() {
    const lua = await benchLua(ROUNDS);
    report("Lua call with a full request, 32 in flight", lua.trivial);
    report("Lua verify_password with a result object, 32 in flight", lua.verify);
    return [];
  },
  oidc: () => benchOidc(SHORT_ROUNDS),
  mfa: () => benchMfa(SHORT_ROUNDS),
  start: () => benchStart(),
  pressure: benchPressure,
  soak: benchSoak,
};
/** The others take long and are asked for by name. */
const DEFAULT = ["saml", "lua", "oidc", "mfa", "start"];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  process.stderr.write(
    `not understood: ${unknown.join(" ")}\nusage: npm run bench [-- ${Object.keys(PARTS).join("|")} …]\n`,
  );
  process.exit(2);
}
let missed = 0;
for (const name of asked.length === 0 ? DEFAULT : asked) {
  process.stdout.write(`--- ${name}\n`);
  for await (const gate of (await PARTS[name]?.()) ?? []) if (!judge(gate)) missed += 1;
}
process.stdout.write(missed === 0 ? "every gate that was measured is met\n" : `gates missed: ${missed}\n`);
process.exitCode = missed === 0 ? 0 : 1;
