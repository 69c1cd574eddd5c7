// `npm test`: every suite, or with `-- --only unit http` some. As root on Debian it installs what the database and browser tests need; elsewhere
// it names that and skips them visibly. Ends with 1 when a test failed, 2 when the arguments were not understood.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { SUITES, type Suite, suiteFiles } from "./suites.ts";

/** Debian packages a suite needs, each with a file that shows it is there. */
const PACKAGES: Partial<Record<Suite, Readonly<Record<string, string>>>> = {
  databases: {
    "mariadb-server-core": "/usr/sbin/mariadbd",
    postgresql: "/var/lib/dpkg/info/postgresql.list",
    "redis-server": "/usr/bin/redis-server",
    slapd: "/usr/sbin/slapd",
  },
  protocol: { xmlsec1: "/usr/bin/xmlsec1" },
  browser: {
    chromium: "/usr/bin/chromium",
    apache2: "/usr/sbin/apache2",
    "libapache2-mod-auth-openidc": "/usr/lib/apache2/modules/mod_auth_openidc.so",
    "libapache2-mod-auth-mellon": "/usr/lib/apache2/modules/mod_auth_mellon.so",
    "php-cli": "/usr/bin/php",
    // SimpleSAMLphp needs both and only recommends them.
    "php-xml": "/var/lib/dpkg/info/php-xml.list",
    "php-mbstring": "/var/lib/dpkg/info/php-mbstring.list",
    "python3-pysaml2": "/usr/lib/python3/dist-packages/saml2/client.py",
    simplesamlphp: "/usr/share/simplesamlphp/www/module.php",
    xmlsec1: "/usr/bin/xmlsec1",
  },
};

/** While this file is there, Debian's packages start no service. */
const NO_AUTOSTART = "/usr/sbin/policy-rc.d";

const suites: readonly string[] = SUITES;
const flag = process.argv.indexOf("--only");
const only: readonly string[] = flag === -1 ? suites : process.argv.slice(flag + 1);
const unknown = [
  ...process.argv.slice(2, flag === -1 ? undefined : flag),
  ...only.filter((name) => !suites.includes(name)),
];
// A misspelled suite that runs nothing would look like one that passes.
if (unknown.length > 0 || only.length === 0) {
  const wrong = unknown.length === 0 ? "" : `not understood: ${unknown.join(" ")}\n`;
  process.stderr.write(`${wrong}usage: npm test [-- --only <suite>…]; the suites are ${suites.join(", ")}\n`);
  process.exit(2);
}
const wanted = SUITES.filter((suite) => only.includes(suite));

let failed = false;
for (const suite of wanted) {
  const files = suiteFiles(suite);
  if (files.length === 0) {
    process.stdout.write(`FAILED  ${suite}: there are no test files\n`);
    failed = true;
    continue;
  }
  const missing = provide(suite);
  if (missing.length > 0) {
    process.stdout.write(`SKIPPED ${suite}: install the Debian packages ${missing.join(", ")}\n`);
    failed ||= process.env["CI"] === "true";
    continue;
  }
  process.stdout.write(`--- ${suite}\n`);
  // Node leaves a core free by itself; most files wait for something most of the time.
  const concurrency = `--test-concurrency=${Math.max(2, availableParallelism())}`;
  const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", concurrency, ...files], {
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
  const isOurs = !existsSync(NO_AUTOSTART);
  if (isOurs) writeFileSync(NO_AUTOSTART, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const options = ["install", "-q", "--no-install-recommends", ...names];
    spawnSync("apt-get", ["update", "-q"], { stdio: "ignore", env });
    // What comes and how large it is, before it comes.
    spawnSync("apt-get", [...options, "--assume-no"], { stdio: "inherit", env });
    spawnSync("apt-get", [...options, "-y"], { stdio: "inherit", env });
  } finally {
    if (isOurs) rmSync(NO_AUTOSTART);
  }
  return missing();
}
