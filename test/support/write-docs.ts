// `npm run docs`: the pages of the documentation that are generated, and the types for editors.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { contractPage } from "../contract/seed-rows.ts";
import { luaFiles } from "./lua-stubs.ts";

writeFileSync("docs/contract.md", contractPage());
rmSync("lua/types", { recursive: true, force: true });
mkdirSync("lua/types");
for (const [path, text] of Object.entries(luaFiles())) writeFileSync(path, text);
