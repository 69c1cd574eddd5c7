// `npm test`: every suite. As root on Debian it installs what the browser tests need; elsewhere it names that and skips them visibly.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { SUITES, type Suite, suiteFiles } from "./suites.ts";

const PACKAGES: Partial<Record<Suite, Readonly<Record<string, string>>>> = {
  browser: { chromium: "/usr/bin/chromium" },
};

const only = process.argv.includes("--only") ? process.argv.slice(process.argv.indexOf("--only") + 1) : [...SUITES];
const wanted = SUITES.filter((suite) => only.includes(suite) && suiteFiles(suite).length > 0);

let failed = false;
for (const suite of wanted) {
  const missing = provide(suite);
  if (missing.length > 0) {
    process.stdout.write(`SKIPPED ${suite}: install the Debian packages ${missing.join(", ")}\n`);
    failed ||= process.env["CI"] === "true";
    continue;
  }
  process.stdout.write(`--- ${suite}\n`);
  const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...suiteFiles(suite)], {
    stdio: "inherit",
  });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;

/** Installs what a suite needs where that is possible; what is still missing. */
function provide(suite: Suite): readonly string[] {
  const missing = () =>
    Object.entries(PACKAGES[suite] ?? {}).flatMap(([name, file]) => (existsSync(file) ? [] : [name]));
  const names = missing();
  if (names.length === 0 || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return names;
  process.stdout.write(`installing Debian packages: ${names.join(" ")}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update", "-q"], { stdio: "ignore", env });
  spawnSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...names], { stdio: "inherit", env });
  return missing();
}
