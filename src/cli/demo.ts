import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realWorld } from "../app/index.ts";
import { type Config, formatFaults, loadConfig } from "../config/index.ts";
import { failure, type Result, siblingModule, success } from "../kernel/index.ts";
import { makeSamlKey, type SamlKey } from "../keys/index.ts";
import { seedDemoAccounts } from "../lua/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { serve } from "./serve.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const APPLICATION = { origin: "http://localhost:8081", host: "127.0.0.1", port: 8081 } as const;
const SAML_APPLICATION = { origin: "http://localhost:8082", host: "127.0.0.1", port: 8082 } as const;

type Passwords = Readonly<Record<"demo" | "editor", string>>;

/** `npm start`: a provider, a demo application for each protocol and two accounts on this machine, with nothing to set up. */
export async function demo(io: CommandEnvironment): Promise<ExitCode> {
  const data = join(ROOT, "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const key = await demoSamlKey(data);
  const loaded = loadConfig(join(ROOT, "config/demo.yaml"), io.environment);
  if (!loaded.ok) {
    io.writeError(formatFaults(loaded.problem));
    return EXIT.refused;
  }
  const config = withDemoCertificate(loaded.value, data);
  const passwords = demoPasswords(join(data, "demo-passwords.json"));
  const database = join(data, "accounts.db");
  await seedDemoAccounts(database, [
    { username: "demo", password: passwords.demo, display_name: "Demo account", groups: ["staff"] },
    { username: "editor", password: passwords.editor, display_name: "Editor account", groups: ["staff", "editors"] },
  ]);
  return serve({ config }, { ...io, environment: { ...io.environment, MOONLATCH_ACCOUNTS: database } }, async () => {
    const client = config.oidc.clients[0];
    const oidc = await startApplication({
      protocol: "oidc",
      issuer: config.issuer,
      clientId: client?.client_id ?? "",
      clientSecret: client?.client_secret?.expose() ?? "",
      other: SAML_APPLICATION.origin,
      ...APPLICATION,
    });
    if (!oidc.ok) return oidc;
    const saml = await startApplication({
      protocol: "saml",
      issuer: config.issuer,
      key,
      other: APPLICATION.origin,
      ...SAML_APPLICATION,
    });
    if (!saml.ok) {
      await oidc.value();
      return saml;
    }
    io.write(welcome(config.issuer, passwords));
    return success(async () => void (await Promise.all([oidc.value(), saml.value()])));
  });
}

function welcome(issuer: string, passwords: Passwords): string {
  return `
Moonlatch is running, for this machine only.

  Demo application (OpenID Connect)   ${APPLICATION.origin}
  Demo application (SAML)             ${SAML_APPLICATION.origin}
  Identity provider                   ${issuer}
  Your account                        ${issuer}/account

  Sign in as   demo    with password   ${passwords.demo}
          or   editor  with password   ${passwords.editor}

Everything is kept in ./data. Stop with Ctrl-C.
`;
}

/** Made once, so that they are the same after a restart; readable by their owner alone. */
function demoPasswords(file: string): Passwords {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Passwords;
  const passwords = { demo: randomBytes(9).toString("base64url"), editor: randomBytes(9).toString("base64url") };
  writeFileSync(file, `${JSON.stringify(passwords, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return passwords;
}

/** The provider knows the SAML demo application by the certificate of this checkout. */
function withDemoCertificate(config: Config, data: string): Config {
  if (config.saml === undefined) return config;
  const known = config.saml.service_providers.map((sp) =>
    sp.entity_id === `${SAML_APPLICATION.origin}/metadata`
      ? { ...sp, certificates: [join(data, "demo-saml.cert.pem")], require_signed_requests: true }
      : sp,
  );
  return { ...config, saml: { ...config.saml, service_providers: known } };
}

/** The SAML demo application's own key. Made once, readable by its owner alone. */
async function demoSamlKey(data: string): Promise<SamlKey> {
  const [keyFile, certificateFile] = [join(data, "demo-saml.key.pem"), join(data, "demo-saml.cert.pem")];
  if (existsSync(keyFile) && existsSync(certificateFile))
    return { privateKey: readFileSync(keyFile, "utf8"), certificate: readFileSync(certificateFile, "utf8") };
  const made = await makeSamlKey(realWorld(), "SAML demo application");
  writeFileSync(keyFile, made.privateKey, { mode: 0o600 });
  writeFileSync(certificateFile, made.certificate);
  return made;
}

/** The demo application is a program of its own, as a real one would be. */
function startApplication(options: object): Promise<Result<() => Promise<void>, string>> {
  const child = fork(fileURLToPath(siblingModule("../demo/main", import.meta.url)), {
    env: { ...process.env, MOONLATCH_DEMO: JSON.stringify(options) },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  return new Promise((resolve) => {
    child.once("message", (message) =>
      resolve(
        message === "ready"
          ? success(stop)
          : failure(typeof message === "string" ? message : "The demo application could not start."),
      ),
    );
    child.once("exit", () => resolve(failure("The demo application ended while it was started.")));
  });
}
