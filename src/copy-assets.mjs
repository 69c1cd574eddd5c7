// What the program reads beside its modules goes to `dist` with them.
import { cpSync, globSync } from "node:fs";

for (const file of globSync("src/**/*.{lua,json,xsd,md,mjs}")) {
  if (!file.endsWith("copy-assets.mjs")) cpSync(file, file.replace(/^src/, "dist"));
}
