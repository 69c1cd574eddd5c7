import type { LuaState, StackValue } from "fengari";
import { ByteBuffer } from "./bytes.ts";
import type { CFunction, Now } from "./call.ts";
import { mergeSort, type Pair } from "./merge-sort.ts";
import { createTasks, REST, type Task } from "./tasks.ts";
import { latin1 } from "./values.ts";

/** Instructions an element counts for that is read, written, moved or compared. */
const ELEMENT = 4;
/** What an element takes while it is sorted, roughly. */
const ELEMENT_BYTES = 100;
const MOST_MOVED = 1_000_000;
const MOST_UNPACKED = 10_000;
/** Longer strings are not copied to be compared. */
const LONG = 1_000;
/** Bytes that are copied in the time of an instruction, roughly. */
const BYTES_PER_INSTRUCTION = 10;
const LARGEST_INTEGER = 2_147_483_647;

/** An element that is sorted, and what JavaScript may compare in its place. */
interface Element {
  readonly value: StackValue;
  readonly key: number | string | undefined;
}

/** `table.concat`, `sort`, `move`, `unpack`, `insert` and `remove`: charged by the element, and suspended where they take long. */
export function tableFunctions(
  fengari: typeof import("fengari"),
  now: Now,
  stock: Readonly<Record<"insert" | "remove", CFunction>>,
): Readonly<Record<string, CFunction>> {
  const { lua, lauxlib, to_luastring } = fengari;
  const tasks = createTasks(fengari, now);
  const [READ, WRITE, LENGTH] = [to_luastring("__index"), to_luastring("__newindex"), to_luastring("__len")];
  const LESS = to_luastring("__lt");
  const EMPTY = new Uint8Array(0);
  const growing = (bytes: number): void => now.makesString(bytes);
  const fail = (L: LuaState, message: string): never =>
    lauxlib.luaL_error(L, to_luastring("%s"), to_luastring(message));

  /** What is no table must be able to do the same. */
  const checkTable = (L: LuaState, arg: number, abilities: readonly Uint8Array[]): void => {
    if (lua.lua_type(L, arg) === lua.LUA_TTABLE) return;
    const has = (ability: Uint8Array): boolean => {
      if (lauxlib.luaL_getmetafield(L, arg, ability) === lua.LUA_TNIL) return false;
      lua.lua_pop(L, 1);
      return true;
    };
    if (!abilities.every(has)) lauxlib.luaL_checktype(L, arg, lua.LUA_TTABLE);
  };
  const lengthOf = (L: LuaState, ...abilities: readonly Uint8Array[]): number => {
    checkTable(L, 1, [...abilities, LENGTH]);
    return lauxlib.luaL_len(L, 1);
  };
  /** Counts one element; answers whether to rest. */
  const counted = (L: LuaState): boolean => {
    now.charge(ELEMENT);
    return now.isOver(L);
  };

  function* concat(L: LuaState): Task {
    const length = lengthOf(L, READ);
    const separator = lua.lua_type(L, 2) <= lua.LUA_TNIL ? EMPTY : lauxlib.luaL_checkstring(L, 2);
    const first = lauxlib.luaL_optinteger(L, 3, 1);
    const last = lauxlib.luaL_optinteger(L, 4, length);
    const out = new ByteBuffer(growing);
    for (let key = first; key <= last; key += 1) {
      if (tasks.element(L, 1, key)) yield 2;
      const type = lua.lua_type(L, -1);
      if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER) {
        const name = Buffer.from(lua.lua_typename(L, type)).toString();
        fail(L, `invalid value (${name}) at index ${key} in table for 'concat'`);
      }
      out.add(lua.lua_tostring(L, -1) ?? EMPTY);
      lua.lua_pop(L, 1);
      if (key < last) out.add(separator);
      if (counted(L)) yield REST;
    }
    now.charge(out.contents().length / BYTES_PER_INSTRUCTION);
    lua.lua_pushstring(L, out.contents());
    return 1;
  }

  function* move(L: LuaState): Task {
    const first = lauxlib.luaL_checkinteger(L, 2);
    const last = lauxlib.luaL_checkinteger(L, 3);
    const target = lauxlib.luaL_checkinteger(L, 4);
    const into = lua.lua_type(L, 5) > lua.LUA_TNIL ? 5 : 1;
    checkTable(L, 1, [READ]);
    checkTable(L, into, [WRITE]);
    const count = last - first + 1;
    if (count > MOST_MOVED) fail(L, "table.move: over a million elements");
    if (count > 0 && target > LARGEST_INTEGER - count + 1) {
      lauxlib.luaL_argerror(L, 4, to_luastring("destination wrap around"));
    }
    const isSame = into === 1 || Boolean(lua.lua_compare(L, 1, into, lua.LUA_OPEQ));
    // Where the two overlap, nothing may be written before it was read.
    const isUpward = target > last || target <= first || !isSame;
    for (let done = 0; done < count; done += 1) {
      const offset = isUpward ? done : count - 1 - done;
      if (tasks.element(L, 1, first + offset)) yield 2;
      lua.lua_seti(L, into, target + offset);
      if (counted(L)) yield REST;
    }
    lua.lua_pushvalue(L, into);
    return 1;
  }

  function* unpack(L: LuaState): Task {
    const first = lauxlib.luaL_optinteger(L, 2, 1);
    const last = lua.lua_type(L, 3) <= lua.LUA_TNIL ? lauxlib.luaL_len(L, 1) : lauxlib.luaL_checkinteger(L, 3);
    const count = last - first + 1;
    if (count <= 0) return 0;
    if (count > MOST_UNPACKED) fail(L, "unpack: over ten thousand values");
    if (!lua.lua_checkstack(L, count + 3)) fail(L, "too many results to unpack");
    for (let key = first; key <= last; key += 1) {
      if (tasks.element(L, 1, key)) yield 2;
      if (counted(L)) yield REST;
    }
    return count;
  }

  function* insert(L: LuaState): Task {
    const end = lengthOf(L, READ, WRITE) + 1;
    const place = lauxlib.luaL_checkinteger(L, 2);
    if (place < 1 || place > end) lauxlib.luaL_argerror(L, 2, to_luastring("position out of bounds"));
    for (let key = end; key > place; key -= 1) {
      if (tasks.element(L, 1, key - 1)) yield 2;
      lua.lua_seti(L, 1, key);
      if (counted(L)) yield REST;
    }
    lua.lua_seti(L, 1, place);
    return 0;
  }

  function* remove(L: LuaState): Task {
    const size = lengthOf(L, READ, WRITE);
    const place = lauxlib.luaL_optinteger(L, 2, size);
    if (place !== size && (place < 1 || place > size + 1)) {
      lauxlib.luaL_argerror(L, 1, to_luastring("position out of bounds"));
    }
    if (tasks.element(L, 1, place)) yield 2;
    for (let key = place; key < size; key += 1) {
      if (tasks.element(L, 1, key + 1)) yield 2;
      lua.lua_seti(L, 1, key);
      if (counted(L)) yield REST;
    }
    lua.lua_pushnil(L);
    lua.lua_seti(L, 1, Math.max(place, size));
    return 1;
  }

  const take = (L: LuaState): Element => {
    const type = lua.lua_type(L, -1);
    const bytes = type === lua.LUA_TSTRING ? lua.lua_tostring(L, -1) : null;
    const key = type === lua.LUA_TNUMBER ? lua.lua_tonumber(L, -1) : undefined;
    const value = L.stack[L.top - 1] as StackValue;
    lua.lua_pop(L, 1);
    return { value, key: bytes === null || bytes.length > LONG ? key : latin1(bytes) };
  };
  const put = (L: LuaState, element: Element): void => {
    lua.lua_pushnil(L);
    L.stack[L.top - 1]?.setfrom(element.value);
  };
  /** Pushes the answer to `second < first` and answers `false`; or a function with its two arguments that gives it. */
  const pushLess = (L: LuaState, { first, second }: Pair<Element>): boolean => {
    const hasOrder = lua.lua_type(L, 2) === lua.LUA_TFUNCTION;
    if (hasOrder) lua.lua_pushvalue(L, 2);
    put(L, second);
    put(L, first);
    if (hasOrder) return true;
    for (const side of [-2, -1]) {
      if (lauxlib.luaL_getmetafield(L, side, LESS) !== lua.LUA_TNIL) {
        lua.lua_insert(L, -3);
        return true;
      }
    }
    const isLess = lua.lua_compare(L, -2, -1, lua.LUA_OPLT);
    lua.lua_pop(L, 2);
    lua.lua_pushboolean(L, isLess);
    return false;
  };
  /** The elements are taken out first, so that an order that changes the table does no harm. */
  function* sort(L: LuaState): Task {
    const length = lengthOf(L, READ, WRITE);
    if (length < 2) return 0;
    if (length >= LARGEST_INTEGER) lauxlib.luaL_argerror(L, 1, to_luastring("array too big"));
    if (lua.lua_type(L, 2) > lua.LUA_TNIL) lauxlib.luaL_checktype(L, 2, lua.LUA_TFUNCTION);
    lua.lua_settop(L, 2);
    now.allocates(length * ELEMENT_BYTES);
    const elements: Element[] = [];
    for (let key = 1; key <= length; key += 1) {
      if (tasks.element(L, 1, key)) yield 2;
      elements.push(take(L));
      if (counted(L)) yield REST;
    }
    const isPlain = lua.lua_type(L, 2) === lua.LUA_TNIL && isComparable(elements);
    const pair = { first: elements[0] as Element, second: elements[0] as Element };
    const sorting = mergeSort(elements, pair);
    let step = sorting.next(false);
    while (step.done !== true) {
      let isSecond: boolean;
      if (isPlain) isSecond = (pair.second.key as number) < (pair.first.key as number);
      else {
        if (pushLess(L, pair)) yield 2;
        isSecond = lua.lua_toboolean(L, -1);
        lua.lua_pop(L, 1);
      }
      if (counted(L)) yield REST;
      step = sorting.next(isSecond);
    }
    for (const [index, element] of step.value.entries()) {
      put(L, element);
      lua.lua_seti(L, 1, index + 1);
      if (counted(L)) yield REST;
    }
    return 0;
  }

  return {
    concat: (L) => tasks.run(L, concat(L)),
    move: (L) => tasks.run(L, move(L)),
    unpack: (L) => tasks.run(L, unpack(L)),
    sort: (L) => tasks.run(L, sort(L)),
    // Without a place they move nothing.
    insert: (L) => (lua.lua_gettop(L) === 3 ? tasks.run(L, insert(L)) : stock.insert(L)),
    remove: (L) => (lua.lua_gettop(L) > 1 ? tasks.run(L, remove(L)) : stock.remove(L)),
  };
}

/** Answers whether JavaScript compares the elements in the same order: they are all numbers or all short strings. */
function isComparable(elements: readonly Element[]): boolean {
  const type = typeof elements[0]?.key;
  return type !== "undefined" && elements.every(({ key }) => typeof key === type);
}
