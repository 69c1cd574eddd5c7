import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { AuditEvent, AuditLog } from "./port.ts";
import { createScriptMetrics, type ScriptMetrics } from "./script-metrics.ts";

/** Numbers for Prometheus. Labels have few values: never a name, an id or an address. */
export interface Metrics {
  /** One answered request; `route` is a name of ours, not the path. Seconds. */
  request(route: string, method: string, status: number, seconds: number): void;
  /** One call of a backend function. Seconds. */
  backendCall(backend: string, fn: string, outcome: string, seconds: number): void;
  audited(event: AuditEvent["event"]): void;
  readonly scripts: ScriptMetrics;
  /** Read when the numbers are fetched. */
  gauge(name: string, help: string, read: () => number): void;
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
    gauge(name, help, read) {
      const gauge = new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      });
      registry.registerMetric(gauge);
    },
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
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
