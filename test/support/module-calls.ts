import type { LuaBackendOptions } from "../../src/lua/options.ts";
import type { RedisGrants } from "../../src/lua/services/redis/index.ts";
import { startBackend, type TestBackend, type TestBackendOptions } from "./lua.ts";

/** Runs what is given as the password; several values come back as text with bars between them. */
const RUNS = `
  local module = require(os.getenv("MODULE"))
  local function text(value)
    if type(value) ~= "table" then return tostring(value) end
    local names, parts = {}, {}
    if #value > 0 then
      for index = 1, #value do parts[index] = text(value[index]) end
      return "[" .. table.concat(parts, ",") .. "]"
    end
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names)
    for index, name in ipairs(names) do parts[index] = name .. "=" .. text(value[name]) end
    return "{" .. table.concat(parts, ",") .. "}"
  end
  function nauthilus_backend_list_accounts(request)
    local function show(...)
      local parts, width = {}, select("#", ...)
      -- Where nothing failed, the last call leaves a nil for its error.
      if width > 1 and select(width, ...) == nil then width = width - 1 end
      for index = 1, width do parts[index] = text((select(index, ...))) end
      return table.concat(parts, "|")
    end
    return 0, { show(assert(load(request.password))(module)) }
  end`;

/** A backend that runs what it is given with a module, as `module`. */
export const startCalls = (
  module: string,
  allow: Partial<LuaBackendOptions["allow"]>,
  settings: Pick<TestBackendOptions, "call" | "init"> = {},
): Promise<TestBackend> => startBackend(RUNS, { ...settings, allow, environment: { MODULE: module } });

/** The same for Redis with these pools. */
export const startRedisBackend = (
  redis: RedisGrants,
  settings?: Pick<TestBackendOptions, "call" | "init">,
): Promise<TestBackend> => startCalls("nauthilus_redis", { redis }, settings);

/** A pool with what the configuration leaves out. */
export const DEFAULTS = { mode: "standalone", database: 0, tls: false } as const;

/** What a chunk returns, or the error that ended the call. `name` stands for the module in it. */
export async function runOn(on: TestBackend, chunk: string, name = "redis"): Promise<string> {
  const outcome = await on.call("default", "nauthilus_backend_list_accounts", {
    password: `local ${name} = ... ${chunk}`,
  });
  return outcome.ok ? String((outcome.result.value as readonly unknown[])[0]) : `ended: ${outcome.reason}`;
}
