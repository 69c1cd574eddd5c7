// `npm run bench -- soak`: ten minutes (SOAK_SECONDS for another time) of a bounded load; memory and latency must stay where they were.
import { setTimeout as pause } from "node:timers/promises";
import { type Gate, median, quantile } from "./measure.ts";
import { discovery, introspect, login, OWN_PATHS, refreshChains, start, userinfo } from "./server.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 600);
/** Sign-ins per second; each with a refresh, an introspection, claims and metadata. */
const RATE = 5;
const SAMPLE_EVERY = 10_000;

interface Sample {
  /** Of the main thread, after a collection. */
  readonly heap: number;
  readonly megabytes: number;
  /** Milliseconds a whole turn took, the median of this stretch. */
  readonly took: number;
}

export async function benchSoak(): Promise<readonly Gate[]> {
  const server = await start("Moonlatch", "moonlatch.ts", OWN_PATHS, { execArgv: ["--expose-gc"] });
  const samples: Sample[] = [];
  const all: number[] = [];
  let failed = 0;
  let stretch: number[] = [];
  try {
    const refresh = await refreshChains(server, 4);
    const turn = async (person: number): Promise<void> => {
      const from = performance.now();
      const { access_token: token } = await login(server, `soak${person % 1_000}`);
      await Promise.all([refresh(), introspect(server, token), userinfo(server, token), discovery(server)]);
      stretch.push(performance.now() - from);
    };
    const from = performance.now();
    let turns = 0;
    const running = new Set<Promise<void>>();
    for (let tick = 1; performance.now() - from < SECONDS * 1000; tick += 1) {
      // A turn that is late is left out: the load stays bounded.
      if (running.size < 4) {
        turns += 1;
        const one = turn(turns).catch((error: unknown) => {
          failed += 1;
          process.stdout.write(`      a turn failed: ${String(error)}\n`);
        });
        running.add(one);
        void one.then(() => running.delete(one));
      }
      if (performance.now() - from > samples.length * SAMPLE_EVERY + SAMPLE_EVERY) {
        samples.push({ heap: await server.heap(), megabytes: server.memory(), took: median(stretch) });
        all.push(...stretch);
        stretch = [];
        if (samples.length % 3 === 0) progress(samples, turns, failed);
      }
      await pause(Math.max(0, from + (tick * 1000) / RATE - performance.now()));
    }
    await Promise.all(running);
    return gates(samples, { turns, failed, p99: quantile(all, 0.99) });
  } finally {
    server.stop();
  }
}

function progress(samples: readonly Sample[], turns: number, failed: number): void {
  const last = samples.at(-1);
  process.stdout.write(
    `      ${(samples.length * SAMPLE_EVERY) / 1000} s: ${turns} turns, ${failed} failed, heap ${last?.heap.toFixed(1)} MB, ${last?.megabytes.toFixed(0)} MB PSS, turn p50 ${last?.took.toFixed(0)} ms\n`,
  );
}

/** Each third by itself: the first warms up, the last must be as the one before. */
function gates(
  samples: readonly Sample[],
  { turns, failed, p99 }: { readonly turns: number; readonly failed: number; readonly p99: number },
): readonly Gate[] {
  const third = Math.floor(samples.length / 3);
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const of = (part: readonly Sample[], what: keyof Sample): number => median(part.map((one) => one[what]));
  const [before, after] = [of(middle, "heap"), of(last, "heap")];
  const [held, holds] = [of(middle, "megabytes"), of(last, "megabytes")];
  const detail = `${turns} turns in ${SECONDS} s, turn p99 ${p99.toFixed(0)} ms`;
  return [
    { what: "turns of the soak that failed", value: failed, limit: 0, detail },
    {
      what: "heap in use in the last third of the soak over the second",
      value: after / before,
      limit: 1.05,
      detail: `${before.toFixed(1)} MB, ${after.toFixed(1)} MB; process ${held.toFixed(0)} MB, ${holds.toFixed(0)} MB PSS`,
    },
  ];
}
