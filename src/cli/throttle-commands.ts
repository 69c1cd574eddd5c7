import { realWorld } from "../app/index.ts";
import { openStore } from "../store/index.ts";
import { type Count, type CountFilter, clearCounts, listCounts } from "../throttle/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

export interface ThrottleOptions extends CountFilter {
  readonly config: string;
  readonly all?: true;
  readonly json?: true;
}

/** `throttle list`: who tried how often, and until when that counts. */
export function listThrottle(options: ThrottleOptions, io: CommandEnvironment): Promise<ExitCode> {
  return withCounts(options, io, listCounts);
}

/** `throttle clear`: lets somebody try again at once. The running provider sees it at the next attempt. */
export async function clearThrottle(options: ThrottleOptions, io: CommandEnvironment): Promise<ExitCode> {
  if (options.account === undefined && options.address === undefined && options.all !== true) {
    io.writeError("say whose attempts: --account <name>, --address <address>, or --all\n");
    return EXIT.usage;
  }
  return withCounts(options, io, clearCounts);
}

function withCounts(
  { config: file, account, address, json }: ThrottleOptions,
  io: CommandEnvironment,
  work: typeof listCounts,
): Promise<ExitCode> {
  return withConfig(file, io, async ({ store: where, login, mfa }) => {
    if (where === "memory:") {
      io.writeError('store is "memory:", which lives in the running provider alone; use sqlite:<path>\n');
      return EXIT.failed;
    }
    const world = realWorld();
    const store = await openStore(where, world);
    try {
      const limits = {
        password: login.throttle,
        factor: mfa.throttle,
        device: { ...login.throttle, address: login.throttle.account },
      };
      const counts = await work({ store, limits, now: world.clock.now() }, { account, address });
      io.write(json === true ? `${JSON.stringify(counts.map(rowOf), undefined, 2)}\n` : tableOf(counts));
      return EXIT.fine;
    } finally {
      await store.close();
    }
  });
}

function stateOf({ of, attempts, limit, surge }: Count): "allowed" | "refused" | "surge" {
  if (of === "provider") return surge ? "surge" : "allowed";
  return attempts >= limit ? "refused" : "allowed";
}

/** The window in seconds. */
function rowOf(count: Count): Record<string, unknown> {
  const { until, window, ...rest } = count;
  const refused = stateOf(count) === "refused";
  return { ...rest, window: window / 1000, refused, until: new Date(until).toISOString() };
}

function tableOf(counts: readonly Count[]): string {
  if (counts.length === 0) return "nothing was counted\n";
  return counts
    .map((count) => {
      const { guessed, of, key, attempts, limit, until, failed, window } = count;
      const share = `${attempts}/${limit}`.padStart(9);
      const row = failed >= limit ? `, ${failed} failed in a row, next window ${Math.round(window / 60_000)} min` : "";
      const about = `${guessed.padEnd(8)} ${of.padEnd(8)} ${share} ${stateOf(count)}`;
      return `${about} until ${new Date(until).toISOString()}${key === "" ? "" : ` ${key}`}${row}\n`;
    })
    .join("");
}
