import { realWorld } from "../app/index.ts";
import { createSigningKeys, type SigningKey } from "../keys/index.ts";
import { openStore } from "../store/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

interface Options {
  readonly config: string;
  readonly json?: true;
}

/** `keys list`: every key that signs tokens or is published for it. */
export function listKeys(options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withKeys(options, io, (keys) => keys.list());
}

/** `keys rotate`: a new key for every algorithm. The running provider publishes it first and signs with it later, or with `now` at once. */
export function rotateKeys(options: Options & { readonly now?: true }, io: CommandEnvironment): Promise<ExitCode> {
  return withKeys(options, io, (keys) => keys.rotate(options.now === true ? "now" : "published"));
}

function withKeys(
  { config: file, json }: Options,
  io: CommandEnvironment,
  work: (keys: ReturnType<typeof createSigningKeys>) => Promise<readonly SigningKey[]>,
): Promise<ExitCode> {
  return withConfig(file, io, async (config) => {
    if (config.store === "memory:") {
      io.writeError('store is "memory:", which lives in the running provider alone; use sqlite:<path>\n');
      return EXIT.failed;
    }
    const world = realWorld();
    const store = await openStore(config.store, world);
    try {
      const keys = await work(createSigningKeys({ store, world }));
      const rows = keys.map(({ jwk, alg, state, since }) => ({
        kid: jwk.kid,
        alg,
        state,
        since: new Date(since).toISOString(),
      }));
      io.write(
        json === true
          ? `${JSON.stringify(rows, undefined, 2)}\n`
          : rows
              .map(({ kid, alg, state, since }) => `${alg.padEnd(6)} ${state.padEnd(8)} ${since} ${kid ?? ""}\n`)
              .join(""),
      );
      return EXIT.fine;
    } finally {
      await store.close();
    }
  });
}
