import type { FunctionName, RequestFields } from "../backend/index.ts";
import type { Sources } from "./sources.ts";
import type { LuaValue } from "./values.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly name: string;
  readonly script: string;
  readonly init: readonly string[];
  /** What is known of files already. */
  readonly sources: Sources;
  readonly packagePath: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly instructions: number;
  readonly memory: number;
  readonly cpuTime: number;
  /** Shared counters, see {@link SLOT}. */
  readonly shared: SharedArrayBuffer;
}

/** Places in the shared memory between a worker and its supervisor. */
export const SLOT = { messages: 0, heartbeat: 1, state: 2, running: 3 } as const;
export const STATE = { idle: 0, running: 1, waiting: 2 } as const;

/** What ended a call before it gave a result; "error": the script, or what it returned. */
export type EndedBy =
  | "error"
  | "instructions"
  | "memory"
  | "cpu_time"
  | "host_calls"
  | "deadline"
  | "queue_wait"
  | "thread_lost"
  | "circuit"
  | "stopped";

/** A call without a result: for a program, and for a person. */
export interface Failure {
  readonly by: EndedBy;
  readonly reason: string;
}

/** What the host answered to an operation: a value, or a text that becomes `nil, message`. */
export interface HostReply {
  readonly value: LuaValue;
  readonly error: string | null;
}

/** The id of the call as which a script's top level and init scripts run. */
export const START = 0;

export type ToWorker =
  | { readonly kind: "call"; readonly id: number; readonly fn: FunctionName; readonly fields: RequestFields }
  | ({ readonly kind: "reply"; readonly call: number } & HostReply)
  | { readonly kind: "cancel"; readonly id: number };

/** What a function returned, before it is judged. */
export interface RawResult {
  /** `false`: the script has no such function. */
  readonly found: boolean;
  readonly code: LuaValue;
  /** "result" for a genuine result object, else the Lua type of the second value. */
  readonly kind: string;
  readonly value: LuaValue;
  readonly statusMessage: string | null;
  readonly logged: readonly (readonly [string, string])[];
  readonly instructions: number;
}

export type FromWorker =
  | { readonly kind: "ready"; readonly functions: readonly FunctionName[] }
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "source"; readonly path: string; readonly text: string | null }
  | { readonly kind: "host"; readonly call: number; readonly op: string; readonly args: readonly LuaValue[] }
  | { readonly kind: "done"; readonly id: number; readonly result: RawResult }
  | { readonly kind: "failed"; readonly id: number; readonly failure: Failure }
  | { readonly kind: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly message: string };
