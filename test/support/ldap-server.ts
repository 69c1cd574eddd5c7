// OpenLDAP for tests: Debian's program on loopback, in a folder of its own that is removed.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { certify } from "./certificates.ts";
import { freePort } from "./free-port.ts";

export const BASE = "ou=people,dc=example,dc=org";
export const SERVICE = { dn: "cn=service,dc=example,dc=org", password: "password-of-the-service" };

export interface LdapServer {
  /** Plain, with StartTLS. */
  readonly port: number;
  /** TLS from the start. */
  readonly securePort: number;
  /** The authority of its certificate, which is for `localhost`, and a stranger. */
  readonly authority: string;
  readonly stranger: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const SCHEMA = fileURLToPath(new URL("../../lua/schema/ldap-factors.schema", import.meta.url));

/** Starts a directory with `entries` (LDIF) below {@link BASE}. */
export async function startLdap(entries: string): Promise<LdapServer> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-ldap-"));
  const file = (name: string) => join(folder, name);
  const authority = await certify({ name: "authority", isAuthority: true });
  const own = await certify({ name: "localhost", by: authority });
  writeFileSync(file("ca.pem"), authority.certificate);
  writeFileSync(file("stranger.pem"), (await certify({ name: "stranger", isAuthority: true })).certificate);
  writeFileSync(file("cert.pem"), own.certificate);
  writeFileSync(file("key.pem"), own.key, { mode: 0o600 });
  mkdirSync(file("data"));
  writeFileSync(
    file("slapd.conf"),
    `${["core", "cosine", "inetorgperson"].map((name) => `include /etc/ldap/schema/${name}.schema`).join("\n")}
include ${SCHEMA}
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${file("ca.pem")}
TLSCertificateFile ${file("cert.pem")}
TLSCertificateKeyFile ${file("key.pem")}
allow bind_anon_cred bind_anon_dn
database mdb
maxsize 67108864
suffix dc=example,dc=org
directory ${file("data")}
limits * size=unlimited
access to attrs=userPassword by dn.exact="${SERVICE.dn}" none by anonymous auth
access to * by dn.exact="${SERVICE.dn}" write by * none
`,
  );
  const head = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: ${SERVICE.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: service
userPassword: ${SERVICE.password}

dn: ${BASE}
objectClass: organizationalUnit
ou: people

`;
  const filled = spawnSync("/usr/sbin/slapd", ["-Tadd", "-q", "-f", file("slapd.conf")], {
    input: head + entries,
    encoding: "utf8",
  });
  if (filled.status !== 0) throw new Error(`slapadd: ${filled.stderr}`);
  const [port, securePort] = [await freePort(), await freePort()];
  let running: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`;
    const child = spawn("/usr/sbin/slapd", ["-d", "256", "-f", file("slapd.conf"), "-h", urls], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    running = child;
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (said = (said + text).slice(-8_000)));
    const ended = once(child, "exit");
    while (!said.includes("slapd starting")) {
      if (child.exitCode !== null) throw new Error(`slapd ended: ${said}`);
      await Promise.race([once(child.stderr, "data"), ended]);
    }
    // It says so a moment before it listens.
    for (const one of [port, securePort])
      while (!(await isListening(one))) if (child.exitCode !== null) throw new Error(`slapd ended: ${said}`);
  };
  const kill = async (): Promise<void> => {
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  };
  await start();
  return {
    port,
    securePort,
    authority: file("ca.pem"),
    stranger: file("stranger.pem"),
    start,
    kill,
    signal: (name) => void running?.kill(name),
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An entry of a person. */
export const person = (uid: string, password: string, more = ""): string => `dn: uid=${uid},${BASE}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: of the test
displayName: Person ${uid}
mail: ${uid}@example.org
userPassword: ${password}
${more}
`;

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
