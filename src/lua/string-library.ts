import type { LuaState } from "fengari";
import { ByteBuffer, search } from "./bytes.ts";
import type { CFunction, Now } from "./call.ts";
import { createPatternReader, type Item, Matcher, type Pattern, PatternError, readItems } from "./patterns.ts";
import { createTasks, REST, type Task } from "./tasks.ts";

/** Instructions a step of a matcher counts for. */
const STEP = 5;
/** Bytes that are searched or copied in the time of an instruction, roughly. */
const BYTES_PER_INSTRUCTION = 10;
const LONGEST_REPEAT = 1_048_576;
const [ESCAPE, ZERO, NINE] = [0x25, 0x30, 0x39];

/** A search for the first match. */
interface Search {
  readonly matcher: Matcher;
  readonly wantsPlace: boolean;
  /** The last place where a match may begin. */
  readonly last: number;
}

/** What `gsub` was called with. */
interface Substitution {
  readonly subject: Uint8Array;
  readonly matcher: Matcher;
  readonly isAnchored: boolean;
  /** Of the replacement; it has a text when it is no function or table. */
  readonly kind: number;
  readonly text: Uint8Array | null;
  readonly limit: number;
}

/**
 * `string.find`, `match`, `gmatch`, `gsub` and `rep`: charged for what they do, and suspended where they take long. A function
 * given to `gsub` may wait for the host.
 */
export function stringFunctions(fengari: typeof import("fengari"), now: Now): Readonly<Record<string, CFunction>> {
  const { lua, lauxlib, to_luastring } = fengari;
  const tasks = createTasks(fengari, now);
  const patternOf = createPatternReader();
  const spend = (steps: number): void => now.charge(steps * STEP);
  const reading = (bytes: number): void => now.allocates(bytes);
  const growing = (bytes: number): void => now.makesString(bytes);
  const chargeBytes = (bytes: number): void => now.charge(bytes / BYTES_PER_INSTRUCTION);
  const [TEXT, INDEX, TOO_MANY] = [to_luastring("%s"), to_luastring("__index"), to_luastring("too many captures")];

  const fail = (L: LuaState, message: string): never => lauxlib.luaL_error(L, TEXT, to_luastring(message));
  /** What is wrong with a pattern is an error of the script. */
  const raise = (L: LuaState, error: unknown): never => {
    if (error instanceof PatternError) fail(L, error.message);
    throw error;
  };
  const itemsOf = (L: LuaState, pattern: Pattern): readonly Item[] => {
    try {
      return pattern.items(reading);
    } catch (error) {
      return raise(L, error);
    }
  };
  const exec = (L: LuaState, matcher: Matcher, at: number): number => {
    try {
      return matcher.exec(at);
    } catch (error) {
      return raise(L, error);
    }
  };
  const captureOf = (L: LuaState, matcher: Matcher, index: number): Uint8Array | number => {
    try {
      return matcher.capture(index);
    } catch (error) {
      return raise(L, error);
    }
  };
  const pushCaptures = (L: LuaState, matcher: Matcher, count: number): number => {
    lauxlib.luaL_checkstack(L, count, TOO_MANY);
    for (let index = 0; index < count; index += 1) {
      const capture = captureOf(L, matcher, index);
      if (typeof capture === "number") lua.lua_pushnumber(L, capture);
      else lua.lua_pushstring(L, capture);
    }
    return count;
  };
  const nothing = (L: LuaState): number => {
    lua.lua_pushnil(L);
    now.rest(L);
    return 1;
  };

  const findPlain = (L: LuaState, subject: Uint8Array, wanted: Uint8Array, from: number): number => {
    const { at, work } = search(subject, wanted, from);
    chargeBytes(work);
    if (at < 0) return nothing(L);
    lua.lua_pushnumber(L, at + 1);
    lua.lua_pushnumber(L, at + wanted.length);
    now.rest(L);
    return 2;
  };
  const findFrom = (L: LuaState, wanted: Search, from: number): number => {
    const { matcher, wantsPlace, last } = wanted;
    for (let at = from; at <= last; at += 1) {
      const end = exec(L, matcher, at);
      if (end >= 0) {
        matcher.settle();
        now.rest(L);
        if (!wantsPlace) return pushCaptures(L, matcher, Math.max(1, matcher.captures));
        lua.lua_pushnumber(L, at + 1);
        lua.lua_pushnumber(L, end);
        return 2 + pushCaptures(L, matcher, matcher.captures);
      }
      if (now.isOver(L)) return tasks.rest(L, (again) => findFrom(again, wanted, at + 1));
    }
    matcher.settle();
    return nothing(L);
  };
  const finder =
    (wantsPlace: boolean): CFunction =>
    (L) => {
      const subject = lauxlib.luaL_checkstring(L, 1);
      const source = lauxlib.luaL_checkstring(L, 2);
      const from = placeOf(lauxlib.luaL_optinteger(L, 3, 1), subject.length);
      if (from > subject.length) return nothing(L);
      if (wantsPlace && lua.lua_toboolean(L, 4)) return findPlain(L, subject, source, from);
      const pattern = patternOf(source);
      if (wantsPlace && pattern.isPlain) return findPlain(L, subject, source, from);
      const matcher = new Matcher(subject, itemsOf(L, pattern), spend);
      return findFrom(L, { matcher, wantsPlace, last: pattern.isAnchored ? from : subject.length }, from);
    };

  const gmatch: CFunction = (L) => {
    const subject = lauxlib.luaL_checkstring(L, 1);
    const source = lauxlib.luaL_checkstring(L, 2);
    const pattern = patternOf(source);
    // Here an anchor would be useless, and is a character like any other.
    const matcher = new Matcher(subject, pattern.isAnchored ? readItems(source) : itemsOf(L, pattern), spend);
    let from = 0;
    let last = -1;
    const next: CFunction = (state) => {
      for (; from <= subject.length; from += 1) {
        const end = exec(state, matcher, from);
        if (end >= 0 && end !== last) {
          from = end;
          last = end;
          matcher.settle();
          now.rest(state);
          return pushCaptures(state, matcher, Math.max(1, matcher.captures));
        }
        if (now.isOver(state)) {
          from += 1;
          return tasks.rest(state, next);
        }
      }
      matcher.settle();
      now.rest(state);
      return 0;
    };
    lua.lua_pushcfunction(L, next);
    return 1;
  };

  /** Adds the replacement text, with what `%0` to `%9` stand for. */
  const addText = (L: LuaState, out: ByteBuffer, text: Uint8Array, matcher: Matcher): void => {
    let copied = 0;
    for (let at = text.indexOf(ESCAPE); at >= 0; at = text.indexOf(ESCAPE, copied)) {
      out.add(text, copied, at);
      const next = text[at + 1] ?? 0;
      copied = at + 2;
      if (next === ESCAPE) out.add(text, at, at + 1);
      else if (next < ZERO || next > NINE) fail(L, "invalid use of '%' in replacement string");
      else if (next === ZERO) out.add(matcher.whole());
      else {
        const capture = captureOf(L, matcher, next - ZERO - 1);
        out.add(typeof capture === "number" ? to_luastring(String(capture)) : capture);
      }
    }
    out.add(text, copied);
  };
  /** Adds the value on top of the stack, which a function or a table gave. */
  const addValue = (L: LuaState, out: ByteBuffer, matcher: Matcher): void => {
    const type = lua.lua_type(L, -1);
    if (!lua.lua_toboolean(L, -1)) out.add(matcher.whole());
    else if (type === lua.LUA_TSTRING || type === lua.LUA_TNUMBER) out.add(lua.lua_tostring(L, -1) ?? matcher.whole());
    else lauxlib.luaL_error(L, to_luastring("invalid replacement value (a %s)"), lua.lua_typename(L, type));
    lua.lua_pop(L, 1);
  };
  /** Pushes the replacement and answers 0; or a function that gives it and its arguments, and answers their number. */
  const pushReplacement = (L: LuaState, matcher: Matcher, kind: number): number => {
    if (kind === lua.LUA_TFUNCTION) {
      lua.lua_pushvalue(L, 3);
      return pushCaptures(L, matcher, Math.max(1, matcher.captures));
    }
    pushCaptures(L, matcher, 1);
    const index = lauxlib.luaL_getmetafield(L, 3, INDEX);
    if (index === lua.LUA_TFUNCTION) {
      lua.lua_pushvalue(L, -2);
      if (lua.lua_rawget(L, 3) !== lua.LUA_TNIL) return 0;
      lua.lua_pop(L, 1);
      lua.lua_pushvalue(L, 3);
      lua.lua_pushvalue(L, -3);
      return 2;
    }
    if (index !== lua.LUA_TNIL) lua.lua_pop(L, 1);
    lua.lua_gettable(L, 3);
    return 0;
  };
  const substitution = (L: LuaState): Substitution => {
    const subject = lauxlib.luaL_checkstring(L, 1);
    const source = lauxlib.luaL_checkstring(L, 2);
    const kind = lua.lua_type(L, 3);
    const limit = lauxlib.luaL_optinteger(L, 4, subject.length + 1);
    const text = kind === lua.LUA_TSTRING || kind === lua.LUA_TNUMBER ? lua.lua_tostring(L, 3) : null;
    if (text === null && kind !== lua.LUA_TFUNCTION && kind !== lua.LUA_TTABLE) {
      lauxlib.luaL_argerror(L, 3, to_luastring("string/function/table expected"));
    }
    const pattern = patternOf(source);
    const matcher = new Matcher(subject, itemsOf(L, pattern), spend);
    return { subject, matcher, isAnchored: pattern.isAnchored, kind, text, limit };
  };
  function* gsub(L: LuaState): Task {
    const { subject, matcher, isAnchored, kind, text, limit } = substitution(L);
    const out = new ByteBuffer(growing);
    const top = lua.lua_gettop(L);
    let [count, at, copied, last] = [0, 0, 0, -1];
    while (count < limit) {
      const end = exec(L, matcher, at);
      if (end >= 0 && end !== last) {
        count += 1;
        out.add(subject, copied, at);
        if (text !== null) addText(L, out, text, matcher);
        else {
          const args = pushReplacement(L, matcher, kind);
          if (args > 0) yield args;
          addValue(L, out, matcher);
          lua.lua_settop(L, top);
        }
        [at, copied, last] = [end, end, end];
      } else if (at < subject.length) at += 1;
      else break;
      if (isAnchored) break;
      if (now.isOver(L)) yield REST;
    }
    matcher.settle();
    if (count === 0) lua.lua_pushvalue(L, 1);
    else {
      out.add(subject, copied);
      chargeBytes(out.contents().length);
      lua.lua_pushstring(L, out.contents());
    }
    lua.lua_pushnumber(L, count);
    return 2;
  }

  const rep: CFunction = (L) => {
    const text = lauxlib.luaL_checkstring(L, 1);
    const count = Math.floor(lauxlib.luaL_checknumber(L, 2));
    const separator = lua.lua_type(L, 3) <= lua.LUA_TNIL ? new Uint8Array(0) : lauxlib.luaL_checkstring(L, 3);
    const unit = text.length + separator.length;
    if (unit * count > LONGEST_REPEAT) fail(L, "string.rep: the result would be larger than 1 MB");
    const result = new Uint8Array(count > 0 && unit > 0 ? unit * count - separator.length : 0);
    if (result.length > 0) {
      result.set(text);
      if (count > 1) result.set(separator, text.length);
      for (let filled = unit; filled < result.length; filled *= 2) {
        result.copyWithin(filled, 0, Math.min(filled, result.length - filled));
      }
    }
    chargeBytes(result.length);
    lua.lua_pushstring(L, result);
    return 1;
  };

  return { find: finder(true), match: finder(false), gmatch, gsub: (L) => tasks.run(L, gsub(L)), rep };
}

/** Counted from 0, where Lua counts from 1 and negative from the end. */
function placeOf(position: number, length: number): number {
  if (position > 0) return position - 1;
  return position === 0 ? 0 : Math.max(0, length + position);
}
