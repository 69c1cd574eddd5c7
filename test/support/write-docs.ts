// `npm run docs`: the pages of the documentation that are generated.
import { writeFileSync } from "node:fs";
import { contractPage } from "../contract/seed-rows.ts";

writeFileSync("docs/contract.md", contractPage());
