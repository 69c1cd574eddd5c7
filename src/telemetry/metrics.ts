import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { AuditEvent, AuditLog } from "./port.ts";
import { createScriptMetrics, type ScriptMetrics } from "./script-metrics.ts";

/** What the Lua runtime tells about its calls. Seconds; backends and functions are names of the configuration and the contract. */
export interface LuaMetrics {
  /** A thread took a call. */
  readonly waited: (backend: string, seconds: number) => void;
  /** A call that a thread had is over, however it ended. */
  readonly ran: (backend: string, fn: string, seconds: number) => void;
  /** A call ended without a result; the reason is one of a few words. */
  readonly failed: (backend: string, fn: string, reason: string) => void;
  readonly threadLost: (backend: string) => void;
}

/** Numbers for Prometheus. Labels have few values: never a name, an id or an address. */
export interface Metrics {
  /** One answered request; `route` is a name of ours, not the path. Seconds. */
  request(route: string, method: string, status: number, seconds: number): void;
  /** One call of a backend function. Seconds. */
  backendCall(backend: string, fn: string, outcome: string, seconds: number): void;
  audited(event: AuditEvent["event"]): void;
  readonly scripts: ScriptMetrics;
  readonly lua: LuaMetrics;
  /** Read when the numbers are fetched. */
  gauge(name: string, help: string, read: () => number): void;
  /** The same for each backend. */
  gaugePerBackend(name: string, help: string, read: () => ReadonlyMap<string, number>): void;
  /** The exposition format, and its media type. */
  expose(): Promise<{ readonly type: string; readonly text: string }>;
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "moonlatch_http_request_seconds",
    help: "Answered requests by route, method and status",
    labelNames: ["route", "method", "status"],
    buckets: SECONDS,
    registers,
  });
  const calls = new Histogram({
    name: "moonlatch_backend_call_seconds",
    help: "Calls of Lua backend functions by outcome, waiting included",
    labelNames: ["backend", "function", "outcome"],
    buckets: SECONDS,
    registers,
  });
  const events = new Counter({
    name: "moonlatch_audit_events_total",
    help: "Audit events by kind",
    labelNames: ["event"],
    registers,
  });
  return {
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    backendCall: (backend, fn, outcome, seconds) => calls.observe({ backend, function: fn, outcome }, seconds),
    audited: (event) => events.inc({ event }),
    scripts: createScriptMetrics(registry),
    lua: luaMetrics(registers),
    gauge(name, help, read) {
      const collect = (): void => gauge.set(read());
      const gauge = new Gauge({ name, help, registers: [], collect });
      registry.registerMetric(gauge);
    },
    gaugePerBackend(name, help, read) {
      const collect = (): void => read().forEach((value, backend) => gauge.set({ backend }, value));
      const gauge = new Gauge({ name, help, labelNames: ["backend"], registers: [], collect });
      registry.registerMetric(gauge);
    },
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

function luaMetrics(registers: Registry[]): LuaMetrics {
  const waits = new Histogram({
    name: "moonlatch_lua_wait_seconds",
    help: "How long calls waited for a Lua thread",
    labelNames: ["backend"],
    buckets: SECONDS,
    registers,
  });
  const runs = new Histogram({
    name: "moonlatch_lua_call_seconds",
    help: "Calls from when a Lua thread took them, waits for databases and hashes included",
    labelNames: ["backend", "function"],
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: "moonlatch_lua_failures_total",
    help: "Calls that ended without a result, by what ended them",
    labelNames: ["backend", "function", "reason"],
    registers,
  });
  const threads = new Counter({
    name: "moonlatch_lua_threads_lost_total",
    help: "Lua threads that were ended or died, and were replaced",
    labelNames: ["backend"],
    registers,
  });
  return {
    waited: (backend, seconds) => waits.observe({ backend }, seconds),
    ran: (backend, fn, seconds) => runs.observe({ backend, function: fn }, seconds),
    failed: (backend, fn, reason) => failures.inc({ backend, function: fn, reason }),
    threadLost: (backend) => threads.inc({ backend }),
  };
}

/** An audit log whose events are counted. */
export function withCounts(audit: AuditLog, metrics: Metrics): AuditLog {
  return {
    record(event) {
      audit.record(event);
      metrics.audited(event.event);
    },
  };
}
