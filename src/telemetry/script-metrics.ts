import { Counter, exponentialBuckets, Gauge, Histogram, type Registry, Summary } from "prom-client";

export type MetricKind = "counter" | "gauge" | "histogram" | "summary";

export interface MetricSpec {
  readonly kind: MetricKind;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface MetricChange {
  readonly kind: MetricKind;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `set` is for gauges, `observe` for histograms and summaries. */
  readonly action: "add" | "set" | "observe";
  readonly value: number;
}

/** Series that scripts make of their own. What they may take is bounded: whoever scrapes pays for each. */
export interface ScriptMetrics {
  /** Makes a metric; the same one again is none. `owner` stands for whoever's number of metrics is counted. @throws Error that says what is wrong with it. */
  create(owner: object, spec: MetricSpec): void;
  /** @throws Error for a metric that is not there, other labels, and more series than there may be. */
  change(change: MetricChange): void;
}

const METRICS = 50;
const SERIES = 200;
const LABELS = 8;
const LONGEST = 200;
/** The provider's own. */
const RESERVED = /^(?:moonlatch|process|nodejs)_/;
/** As Nauthilus has them: from a millisecond to some seconds. */
const BUCKETS = exponentialBuckets(0.001, 1.75, 15);

interface Made {
  readonly spec: MetricSpec;
  readonly series: Set<string>;
  readonly change: (labels: Readonly<Record<string, string>>, action: MetricChange["action"], value: number) => void;
}

export function createScriptMetrics(registry: Registry): ScriptMetrics {
  const made = new Map<string, Made>();
  const counts = new WeakMap<object, number>();
  return {
    create(owner, spec) {
      const known = made.get(spec.name);
      if (known !== undefined) {
        if (!isSame(known.spec, spec))
          throw new Error(`the metric ${spec.name} exists with another kind or other labels`);
        return;
      }
      check(spec);
      const count = counts.get(owner) ?? 0;
      if (count >= METRICS) throw new Error(`a backend has at most ${METRICS} metrics`);
      made.set(spec.name, { spec, series: new Set(), change: changerOf(registry, spec) });
      counts.set(owner, count + 1);
    },
    change({ kind, name, labels, action, value }) {
      const metric = made.get(name);
      if (metric?.spec.kind !== kind) throw new Error(`there is no ${kind} ${name}`);
      if (!Number.isFinite(value)) throw new Error(`the value for ${name} is not a number`);
      const { spec, series } = metric;
      if (!isSameSet(Object.keys(labels), spec.labels))
        throw new Error(`the labels of ${name} are: ${spec.labels.join(", ") || "none"}`);
      const values = spec.labels.map((label) => (labels[label] ?? "").slice(0, LONGEST));
      const key = JSON.stringify(values);
      if (!series.has(key) && series.size >= SERIES)
        throw new Error(`${name} has at most ${SERIES} different sets of labels`);
      metric.change(Object.fromEntries(spec.labels.map((label, index) => [label, values[index] ?? ""])), action, value);
      series.add(key);
    },
  };
}

function isSame(a: MetricSpec, b: MetricSpec): boolean {
  return a.kind === b.kind && isSameSet(a.labels, b.labels);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

function check({ name, help, labels }: MetricSpec): void {
  if (!/^[a-zA-Z_:][\w:]*$/.test(name) || name.length > LONGEST)
    throw new Error(`"${name.slice(0, 64)}" is no name for a metric`);
  if (RESERVED.test(name)) throw new Error(`the name ${name} is the provider's own; take another beginning`);
  if (help === "" || help.length > LONGEST * 5) throw new Error(`the metric ${name} needs a short help text`);
  if (labels.length > LABELS) throw new Error(`the metric ${name} has over ${LABELS} labels`);
  const wrong = labels.find(
    (label, index) => !/^(?!__|le$|quantile$)[a-zA-Z_]\w*$/.test(label) || labels.indexOf(label) !== index,
  );
  if (wrong !== undefined)
    throw new Error(`"${wrong.slice(0, 64)}" is no name for a label of ${name}, or stands there twice`);
}

function changerOf(registry: Registry, { kind, name, help, labels }: MetricSpec): Made["change"] {
  const settings = { name, help, labelNames: [...labels], registers: [registry] };
  if (kind === "counter") {
    const counter = new Counter(settings);
    return (values, action, value) => {
      if (action !== "add" || value < 0) throw new Error(`the counter ${name} only grows`);
      counter.inc(values, value);
    };
  }
  if (kind === "gauge") {
    const gauge = new Gauge(settings);
    return (values, action, value) => (action === "set" ? gauge.set(values, value) : gauge.inc(values, value));
  }
  const metric = kind === "histogram" ? new Histogram({ ...settings, buckets: BUCKETS }) : new Summary(settings);
  return (values, _, value) => metric.observe(values, value);
}
