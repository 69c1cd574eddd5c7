import type { LuaState } from "fengari";
import type { EndedBy, Failure, HostReply } from "./messages.ts";

/** Ends a call from inside: no `pcall` of a script can hold it. */
export class Killed extends Error {
  override readonly name = "Killed";
  readonly by: EndedBy;

  constructor(reason: string, by: EndedBy) {
    super(reason);
    this.by = by;
  }

  get failure(): Failure {
    return { by: this.by, reason: this.message };
  }
}

/** One call on its way through Lua. */
export interface Running {
  readonly id: number;
  readonly co: LuaState;
  instructions: number;
  /** CPU milliseconds. */
  ran: number;
  bytes: number;
  /** Instructions at which to look at the heap. */
  heapCheck: number;
  /** Bytes on the heap when it was looked at, at the least. */
  leastHeap: number;
  hostCalls: number;
  /** Why the coroutine is suspended, when it was not the script's own yield. */
  pause: "host" | "slice" | undefined;
  /** Raised while a coroutine runs whose resumer cannot yield: everything below must block instead. */
  mustBlock: boolean;
  killed: Killed | undefined;
  reply: HostReply | undefined;
  statusMessage: string | undefined;
  readonly logged: [string, string][];
}

export function newCall(id: number, co: LuaState, heapCheck: number): Running {
  return {
    id,
    co,
    instructions: 0,
    ran: 0,
    bytes: 0,
    heapCheck,
    leastHeap: Number.POSITIVE_INFINITY,
    hostCalls: 0,
    pause: undefined,
    mustBlock: false,
    killed: undefined,
    reply: undefined,
    statusMessage: undefined,
    logged: [],
  };
}

/** The call now running in this thread. Everything a script reaches looks only here, so that its coroutines are covered too. */
export interface Now {
  current(): Running | undefined;
  /** Counts instructions; ends the call when it has used them up. */
  charge(instructions: number): void;
  /** Does what is no doing of the script, such as loading a library: its time does not count. */
  apart<Value>(work: () => Value): Value;
  /** Ends the call. */
  kill(why: string, by: EndedBy): never;
  /** Goes on ending a call that a library function caught. */
  rethrow(): void;
  /** A string, or a buffer for one, is about to be made. Ends the call when it is too large. */
  makesString(bytes: number): void;
  /** Something else that takes memory is about to be made. */
  allocates(bytes: number): void;
  /** Answers whether a library function that was charged should let others run now: it was for long, and it may be suspended. */
  isOver(L: LuaState): boolean;
  /** For the end of a library function: if it was charged for much, the count hook looks at the clock at the next instruction. */
  rest(L: LuaState): void;
  /** Answers whether the host may suspend the call here; elsewhere it must block. */
  mayYield(L: LuaState): boolean;
}

export type CFunction = (L: LuaState) => number;
