import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeIdp, realWorld } from "../../src/app/index.ts";
import { formatFaults, type TlsFiles, watchConfig } from "../../src/config/index.ts";
import { type ListenDeps, listen } from "../../src/front/index.ts";
import type { World } from "../../src/kernel/index.ts";
import { createLogger } from "../../src/telemetry/index.ts";
import { freePort } from "./free-port.ts";

export interface TestIdp {
  readonly issuer: string;
  readonly port: number;
  /** Log lines so far. */
  readonly log: readonly string[];
  readonly folder: string;
  stop(): Promise<void>;
}

export interface TestIdpOptions {
  /** Lua source of the only backend. */
  readonly script: string;
  /** YAML below `oidc:`. */
  readonly oidc?: string;
  /** More top-level YAML. */
  readonly more?: string;
  /** "sqlite" keeps a file in the folder. */
  readonly store?: "memory" | "sqlite";
  readonly folder?: string;
  /** Default: the real clock and randomness. */
  readonly world?: World;
  /** Milliseconds between two looks at what may change while it runs. */
  readonly rereadEvery?: number;
  /** Default: http on localhost and the port it listens on. */
  readonly issuer?: string;
  /** More YAML inside of `server:`. */
  readonly server?: string;
  /** Speak https with these. */
  readonly tls?: TlsFiles;
  /** Milliseconds; default: those of operation. */
  readonly patience?: ListenDeps["patience"];
  /** Takes the log lines the configuration asks for; default: every one is kept in {@link TestIdp.log}. */
  readonly logTo?: (line: string) => void;
}

/** The composed provider on a free loopback port, with its own folder that goes away when it stops. */
export async function startIdp(options: TestIdpOptions): Promise<TestIdp> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "moonlatch-test-"));
  const log: string[] = [];
  const port = await freePort();
  const issuer = options.issuer ?? `http${options.tls === undefined ? "" : "s"}://localhost:${port}`;
  writeFileSync(join(folder, "backend.lua"), options.script);
  const store = options.store === "sqlite" ? "sqlite:./moonlatch.db" : "memory:";
  const yaml = `issuer: ${issuer}
server: { listen: [${JSON.stringify({ host: "127.0.0.1", port, tls: options.tls })}]${options.server === undefined ? "" : `, ${options.server}`} }
store: "${store}"
lua: { backends: [{ name: default, script: ./backend.lua, allow: { databases: ["sqlite3:./accounts.db"], env: [MOONLATCH_ACCOUNTS] } }] }
oidc:
${options.oidc ?? "  clients: []"}
${options.more ?? ""}
`;
  writeFileSync(join(folder, "config.yaml"), yaml);
  const { first: loaded, poll } = watchConfig(join(folder, "config.yaml"), {});
  if (!loaded.ok) throw new Error(formatFaults(loaded.problem));
  const { level } = loaded.value.observability.log;
  const logger =
    options.logTo === undefined
      ? createLogger({ level: "debug", format: "json", write: (line) => void log.push(line) })
      : createLogger({ level, format: "json", write: options.logTo });
  const environment = { MOONLATCH_ACCOUNTS: join(folder, "accounts.db") };
  const world = options.world ?? realWorld();
  const often = options.rereadEvery === undefined ? {} : { rereadEvery: options.rereadEvery };
  const idp = await composeIdp({ config: loaded.value, world, logger, environment, poll, ...often });
  const opened = await listen(idp.handler, loaded.value.server.listen, { ...idp.front, patience: options.patience });
  if (!opened.ok) throw new Error(opened.problem.message);
  return {
    issuer,
    port,
    log,
    folder,
    async stop() {
      await opened.value.close(0);
      await idp.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
