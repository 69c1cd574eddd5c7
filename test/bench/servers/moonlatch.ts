// The provider as it is, with a Lua backend that needs no hash, on SQLite.
import { startIdp } from "../../support/idp.ts";
import { answerParent, CLIENTS, logTo, MORE, SCRIPT } from "./parts.ts";

const idp = await startIdp({ script: SCRIPT, store: "sqlite", oidc: CLIENTS, more: MORE, logTo });
answerParent(idp.issuer);
