// A process of its own that tries one code several times at once, when it is told to. Started by the race tests.
import { once } from "node:events";
import { composeFactors, openSealer, realWorld } from "../../src/app/index.ts";
import { formatFaults, loadConfig } from "../../src/config/index.ts";
import { openKeyRing } from "../../src/keys/index.ts";
import { identityOf } from "../../src/login/index.ts";
import { createHostServices, startLuaBackends } from "../../src/lua/index.ts";
import { openStore } from "../../src/store/index.ts";
import { createLogger } from "../../src/telemetry/index.ts";
import { CONTEXT } from "./lua.ts";

const [, , file = "", accounts = "", kind = "", code = ""] = process.argv;
const loaded = loadConfig(file, {});
if (!loaded.ok) throw new Error(formatFaults(loaded.problem));
const config = loaded.value;
const world = realWorld();
const logger = createLogger({ level: "error", format: "text", write: (line) => void process.stderr.write(line) });
const store = await openStore(config.store, world);
const lua = await startLuaBackends({
  ...config.lua,
  services: createHostServices({ world }),
  logger,
  clock: world.clock,
  environment: { MOONLATCH_ACCOUNTS: accounts },
});
const factors = composeFactors({
  config,
  backend: lua.accounts,
  store,
  world,
  keys: await openKeyRing({ store, world }),
  sealer: await openSealer(config, store, world),
  audit: { record: () => undefined },
  logger,
  changed: () => undefined,
});
const found = await lua.accounts.lookup("demo", CONTEXT);
if (found.code !== "found") throw new Error(found.code);
const visit = { owner: identityOf(found.account), context: CONTEXT, device: undefined };
process.send?.("ready");
await once(process, "message");
const tries = Array.from({ length: 5 }, () =>
  kind === "totp" ? factors.proving.totp(visit, code) : factors.proving.recovery(visit, code),
);
const outcomes = await Promise.all(tries);
process.send?.(outcomes.map(({ code: outcome }) => outcome));
await lua.close();
await store.close();
process.disconnect();
