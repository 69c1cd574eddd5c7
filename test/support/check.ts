// `npm run check`: types, format, lint, dead code, then the fast tests. `--static` leaves the tests to `npm test`.
import { spawnSync } from "node:child_process";
import { suiteFiles } from "./suites.ts";

const steps: readonly (readonly [string, readonly string[]])[] = [
  ["tsc", []],
  ["biome", ["check"]],
  ["oxlint", ["--type-aware"]],
  ["knip", []],
];
const fast: readonly (readonly [string, readonly string[]])[] = [
  ["node", ["--test", ...suiteFiles("unit"), ...suiteFiles("architecture")]],
];

let failed = 0;
for (const [command, args] of process.argv.includes("--static") ? steps : [...steps, ...fast]) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  process.stdout.write(
    `${status === 0 ? "ok    " : "FAILED"} ${command} ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  );
  failed += status === 0 ? 0 : 1;
}
process.exitCode = failed === 0 ? 0 : 1;
