import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const APACHE = "/usr/sbin/apache2";

export interface Apache {
  readonly origin: string;
  readonly log: () => string;
  stop(): Promise<void>;
}

export interface ApacheOptions {
  readonly port: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const MODULES = [
  "mpm_event",
  "authn_core",
  "authz_core",
  "authz_user",
  "headers",
  "alias",
  "dir",
  "mime",
  "auth_openidc",
];

function configuration(folder: string, { port, issuer, clientId, clientSecret }: ApacheOptions): string {
  const origin = `http://127.0.0.1:${port}`;
  const isRoot = process.getuid?.() === 0;
  return `ServerRoot "${folder}"
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile "${folder}/apache.pid"
ErrorLog "${folder}/error.log"
Mutex file:${folder}
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
TypesConfig /etc/mime.types
${isRoot ? "User www-data\nGroup www-data" : ""}
DocumentRoot "${folder}/htdocs"
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${clientId}
OIDCClientSecret ${clientSecret}
OIDCRedirectURI ${origin}/callback
OIDCCryptoPassphrase throwaway-passphrase-of-a-test
OIDCScope "openid profile email groups"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
<Location />
  AuthType openid-connect
  Require valid-user
  Header always set X-Remote-User "expr=%{REMOTE_USER}"
  Header always set X-Groups "expr=%{req:OIDC_CLAIM_groups}"
</Location>
<Location /out>
  AuthType None
  Require all granted
</Location>
`;
}

/** Debian's Apache with mod_auth_openidc as a foreground process of the test, with a configuration and folder of its own. */
export async function startApache(options: ApacheOptions): Promise<Apache> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-apache-"));
  chmodSync(folder, 0o777);
  mkdirSync(join(folder, "htdocs/out"), { recursive: true });
  writeFileSync(join(folder, "htdocs/index.html"), "<!doctype html><title>Protected</title><h1>Protected page</h1>");
  writeFileSync(
    join(folder, "htdocs/out/index.html"),
    "<!doctype html><title>Out</title><h1>Signed out of Apache</h1>",
  );
  writeFileSync(join(folder, "httpd.conf"), configuration(folder, options));
  const child: ChildProcess = spawn(APACHE, ["-f", join(folder, "httpd.conf"), "-DFOREGROUND"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const log = (): string => `${errors}${readLog(folder)}`;
  const origin = `http://127.0.0.1:${options.port}`;
  const deadline = Date.now() + 15_000;
  const answers = () =>
    fetch(`${origin}/out/`).then(
      ({ status }) => status === 200,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`Apache did not start: ${log()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    origin,
    log,
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readLog(folder: string): string {
  try {
    return readFileSync(join(folder, "error.log"), "utf8");
  } catch {
    return "";
  }
}
