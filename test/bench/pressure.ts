// `npm run bench -- pressure`: what honest people and applications feel while password hashes, or attackers, have the machine busy.
import { Worker } from "node:worker_threads";
import { passwords, samlBombs, slowSockets } from "../support/attacks.ts";
import { type Gate, median, quantile, until } from "./measure.ts";
import { authorizeUrl, BusyError, login, OWN_PATHS, refreshChains, type Server, start } from "./server.ts";

/** How long each phase of a round takes, in milliseconds, and how many rounds there are. */
export interface Budget {
  readonly rounds: number;
  readonly phase: number;
}

const FULL: Budget = { rounds: 3, phase: 6_000 };
const CLIENTS = 32;
const PROBES = 4;

function say(text: string): void {
  process.stdout.write(`      ${text}\n`);
}

const milliseconds = (values: readonly number[]): string =>
  `p50 ${median(values).toFixed(0)} ms, p99 ${quantile(values, 0.99).toFixed(0)} ms`;

export async function* benchPressure(): AsyncGenerator<Gate> {
  const server = await start("Moonlatch", "pressure.ts", OWN_PATHS);
  try {
    const hashes = await saturated(server, FULL, say);
    yield {
      what: `token p99 while ${CLIENTS} clients sign in with Argon2id (19 MiB, 2 passes), over idle p99`,
      value: quantile(hashes.busy, 0.99) / quantile(hashes.idle, 0.99),
      limit: 3,
      detail: `idle ${milliseconds(hashes.idle)}; busy ${milliseconds(hashes.busy)}`,
    };
    yield {
      what: "whole sign-ins of those clients, over what one thread hashes alone",
      value: hashes.signIns / hashes.floor,
      limit: 0.9,
      atLeast: true,
      detail: `${hashes.signIns.toFixed(1)} /s, floor ${hashes.floor.toFixed(1)} /s`,
    };
    const attacked = await underAttack(server, FULL, say);
    yield {
      what: "honest sign-ins under attack, p99 in seconds",
      value: quantile(attacked.busy, 0.99) / 1000,
      limit: 1,
      detail: `alone ${milliseconds(attacked.idle)}; attacked ${milliseconds(attacked.busy)}; ${attacked.refused} of ${attacked.busy.length} failed for a time`,
    };
  } finally {
    server.stop();
  }
}

const endOf = (phase: number): (() => boolean) => {
  const end = performance.now() + phase;
  return () => performance.now() > end;
};

/** Counts temporary failures: what the queue of the hash thread answers after five seconds. Everything else that fails ends the run. */
function counting() {
  const refused = { count: 0 };
  return {
    refused,
    signIn: async (server: Server, username: string): Promise<void> => {
      try {
        await login(server, username);
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
        refused.count += 1;
      }
    },
  };
}

export interface Saturated {
  /** Milliseconds of token requests. */
  readonly idle: readonly number[];
  readonly busy: readonly number[];
  /** Per second. */
  readonly signIns: number;
  readonly floor: number;
}

/** Token requests alone and while sign-ins keep the hash thread busy; what one thread hashes with nothing else to do. */
export async function saturated(server: Server, budget: Budget, tell: (text: string) => void): Promise<Saturated> {
  const refresh = await refreshChains(server, PROBES);
  const idle: number[] = [];
  const busy: number[] = [];
  const rates: number[] = [];
  const floors: number[] = [];
  let person = 0;
  for (let round = 0; round < budget.rounds; round += 1) {
    floors.push(await hashFloor(budget.phase / 2));
    idle.push(...(await until(endOf(budget.phase), PROBES, refresh)));
    const { refused, signIn } = counting();
    const from = performance.now();
    const load = { isOver: false };
    const hashing = until(endOf(budget.phase), CLIENTS, () => signIn(server, `busy${(person += 1) % 200}`)).finally(
      () => {
        load.isOver = true;
      },
    );
    // As long as the last of them waits for its hash.
    const probes = await until(() => load.isOver, PROBES, refresh);
    const signIns = await hashing;
    busy.push(...probes);
    rates.push((signIns.length - refused.count) / ((performance.now() - from) / 1000));
    tell(
      `round ${round + 1}: ${rates.at(-1)?.toFixed(1)} sign-ins/s, floor ${floors.at(-1)?.toFixed(1)} hashes/s, ${refused.count} temporary failures`,
    );
  }
  return { idle, busy, signIns: median(rates), floor: median(floors) };
}

/** Argon2id verifications per second of one thread. */
async function hashFloor(phase: number): Promise<number> {
  const thread = new Worker(new URL("./hash-floor.ts", import.meta.url), { workerData: phase });
  return new Promise((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
}

/** Two people who sign in again and again, alone and while everything else comes at once. */
export async function underAttack(
  server: Server,
  budget: Budget,
  tell: (text: string) => void,
): Promise<{ readonly idle: readonly number[]; readonly busy: readonly number[]; readonly refused: number }> {
  const { issuer } = server;
  const at = { issuer, authorize: authorizeUrl(server) };
  const idle: number[] = [];
  const busy: number[] = [];
  let person = 0;
  const { refused, signIn } = counting();
  const honest = () => signIn(server, `honest${(person += 1) % 50}`);
  for (let round = 0; round < budget.rounds; round += 1) {
    idle.push(...(await until(endOf(budget.phase / 2), 2, honest)));
    const attacks = [
      slowSockets(issuer, 300),
      samlBombs(issuer, 2),
      passwords({ ...at, name: "runaway scripts" }, 2, () => ({ username: `runaway${(person += 1)}`, password: "x" })),
      passwords({ ...at, name: "guesses" }, 4, () => ({ username: "honest1", password: `guess ${(person += 1)}` })),
    ];
    try {
      busy.push(...(await until(endOf(budget.phase), 2, honest)));
    } finally {
      await Promise.all(attacks.map((attack) => attack.stop()));
    }
    const done = attacks.map(({ name, counts }) => `${name} ${JSON.stringify(Object.fromEntries(counts))}`);
    tell(`round ${round + 1}: ${busy.length} honest sign-ins so far; ${done.join(", ")}`);
  }
  return { idle, busy, refused: refused.count };
}
