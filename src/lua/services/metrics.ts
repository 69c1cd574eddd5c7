import type { MetricChange, MetricKind, ScriptMetrics } from "../../telemetry/index.ts";
import { fromBytes, type LuaValue } from "../values.ts";
import type { Grants } from "./port.ts";
import { textOf } from "./text.ts";

const KINDS: ReadonlySet<string> = new Set(["counter", "gauge", "histogram", "summary"] satisfies MetricKind[]);

/** `nauthilus_prometheus`. Nobody counts where there are no metrics. */
export function createMetricsService(
  metrics: ScriptMetrics | undefined,
): (grants: Grants, operation: string, args: readonly LuaValue[]) => LuaValue {
  return (grants, operation, args) => {
    const [kind, name, ...rest] = args;
    const head = { kind: kindOf(kind), name: fromBytes(textOf(name, "the name of a metric")) };
    if (operation === "create") {
      const [help, labels] = rest;
      metrics?.create(grants, { ...head, help: fromBytes(textOf(help, "the help text")), labels: namesOf(labels) });
    } else {
      const [action, value, labels] = rest;
      metrics?.change({ ...head, action: actionOf(action), value: Number(value), labels: labelsOf(labels) });
    }
    return true;
  };
}

function kindOf(kind: LuaValue | undefined): MetricKind {
  if (typeof kind !== "string" || !KINDS.has(kind)) throw new Error("no such kind of metric");
  return kind as MetricKind;
}

function actionOf(action: LuaValue | undefined): MetricChange["action"] {
  return action === "set" || action === "observe" ? action : "add";
}

function namesOf(labels: LuaValue | undefined): readonly string[] {
  const values = typeof labels === "object" && labels !== null ? Object.values(labels) : [];
  return values.map((label) => fromBytes(textOf(label, "the name of a label")));
}

function labelsOf(labels: LuaValue | undefined): Readonly<Record<string, string>> {
  if (typeof labels !== "object" || labels === null) return {};
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [fromBytes(name), fromBytes(textOf(value, "the value of a label"))]),
  );
}
