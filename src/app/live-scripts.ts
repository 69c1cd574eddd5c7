import type { Level } from "../login/index.ts";
import type { LuaBackends } from "../lua/index.ts";
import type { ComponentState } from "./health.ts";

/** Takes over edited Lua scripts. */
export interface LiveScripts {
  turn(): Promise<void>;
  readonly state: () => ComponentState;
}

export interface LiveScriptsDeps {
  readonly lua: Pick<LuaBackends, "isUp" | "refresh" | "status">;
  /** The strongest proof that can be given now. */
  readonly highest: () => Level;
  /** Functions that came or went with an edit make other levels possible, and those are published. */
  readonly levelsChanged: () => void;
}

export function createLiveScripts({ lua, highest, levelsChanged }: LiveScriptsDeps): LiveScripts {
  let published = highest();
  return {
    async turn() {
      await lua.refresh();
      const now = highest();
      if (now === published) return;
      published = now;
      levelsChanged();
    },
    state() {
      if (!lua.isUp()) return "down";
      return lua.status().some(({ isStale }) => isStale) ? "stale" : "ok";
    },
  };
}
