// `npm run check`: types, format, lint, dead code, then the fast tests. `--static` leaves the tests to `npm test`.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { suiteFiles } from "./suites.ts";

const steps: readonly (readonly [string, readonly string[]])[] = [
  ["tsc", []],
  ["biome", ["check"]],
  ["oxlint", ["--type-aware"]],
  ["knip", []],
];
const fast: readonly (readonly [string, readonly string[]])[] = [
  // Node leaves one processor free unless told otherwise, which on two means one file at a time.
  [
    "node",
    ["--test", `--test-concurrency=${availableParallelism()}`, ...suiteFiles("unit"), ...suiteFiles("architecture")],
  ],
];

const begun = performance.now();
let failed = 0;
for (const [command, args] of process.argv.includes("--static") ? steps : [...steps, ...fast]) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  process.stdout.write(
    `${status === 0 ? "ok    " : "FAILED"} ${command} ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  );
  failed += status === 0 ? 0 : 1;
}
process.stdout.write(`check took ${((performance.now() - begun) / 1000).toFixed(1)} s; steps failed: ${failed}\n`);
process.exitCode = failed === 0 ? 0 : 1;
