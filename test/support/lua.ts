import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realWorld } from "../../src/app/index.ts";
import type { CallContext } from "../../src/backend/index.ts";
import type { Clock } from "../../src/kernel/index.ts";
import { createHostServices, type LuaBackends, startLuaBackends } from "../../src/lua/index.ts";
import type { LuaBackendOptions } from "../../src/lua/options.ts";
import { createLogger, type LuaMetrics } from "../../src/telemetry/index.ts";

export const CONTEXT: CallContext = {
  protocol: "oidc",
  oidc_cid: "wiki",
  saml_entity_id: "",
  oidc_client_name: "Wiki",
  redirect_uri: "https://wiki.example.org/callback",
  requested_scopes: ["openid", "email"],
  grant_type: "",
  session: "ref-1",
  client_ip: "192.0.2.1",
  client_port: "40000",
  user_agent: "test",
  local_ip: "127.0.0.1",
  local_port: "8080",
};

/** Lua that the watchdog has to end together with its thread: nothing can interrupt the parser. */
export const COSTS_THE_THREAD = `load("if a then " .. ("elseif a then "):rep(18000) .. "end")`;

export interface TestBackend extends LuaBackends {
  readonly log: string[];
  readonly folder: string;
  stop(): Promise<void>;
}

export interface TestBackendOptions {
  /** Lua sources of init scripts. */
  readonly init?: readonly string[];
  readonly call?: number;
  readonly queue_wait?: number;
  readonly instructions?: number;
  readonly cpu_time?: number;
  readonly workers?: number;
  readonly metrics?: LuaMetrics;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** Beside the SQLite database and the folder. */
  readonly allow?: Partial<LuaBackendOptions["allow"]>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts one backend from Lua source (or a script file) in a folder of its own. */
export async function startBackend(
  source: string | Buffer,
  options: TestBackendOptions = {},
  script?: string,
): Promise<TestBackend> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-lua-"));
  const path = script ?? join(folder, "backend.lua");
  if (script === undefined) writeFileSync(path, source);
  const log: string[] = [];
  const world = realWorld();
  const database = join(folder, "accounts.db");
  const environment = options.environment ?? { MOONLATCH_ACCOUNTS: database };
  try {
    const lua = await startLuaBackends({
      backends: [
        {
          name: "default",
          script: path,
          init: (options.init ?? []).map((text, index) => {
            const file = join(folder, `init${index}.lua`);
            writeFileSync(file, text);
            return file;
          }),
          package_path: [folder],
          protocols: ["oidc", "saml", "idp"],
          limits: {
            call: options.call ?? 5_000,
            queue_wait: options.queue_wait ?? 5_000,
            instructions: options.instructions ?? 5_000_000,
            cpu_time: options.cpu_time ?? 5_000,
            memory: 64 * 1024 * 1024,
          },
          allow: {
            databases: [`sqlite3:${database}`],
            files: [folder],
            env: Object.keys(environment),
            ...options.allow,
          },
        },
      ],
      workers: options.workers ?? 1,
      services: createHostServices({ world }),
      logger: createLogger({ level: "debug", format: "json", write: (line) => void log.push(line) }),
      clock: options.clock ?? world.clock,
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      environment: { ...environment, SECRET_OF_THE_HOST: "hidden" },
    });
    const stop = async () => {
      await lua.close();
      rmSync(folder, { recursive: true, force: true });
    };
    return { ...lua, log, folder, stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
