// One of several programs on one database: guesses many times at once, at one account. Prints how many of the guesses were let through.
import { realWorld } from "../../src/app/index.ts";
import { openStore } from "../../src/store/index.ts";
import { createThrottle } from "../../src/throttle/index.ts";

const [, , file = "", network = ""] = process.argv;
const world = realWorld();
const store = await openStore(`sqlite:${file}`, world);
const rate = (limit: number) => ({ limit, window: 3_600_000 });
const limits = { account: rate(10), address: rate(100), pair: rate(5), longest: 3_600_000 };
const throttle = createThrottle({ store, clock: world.clock, limits });
const guess = async (address: string): Promise<number> => {
  const answer = await throttle.attempt({ account: "demo", address });
  if (answer.allowed) await answer.failed();
  return Number(answer.allowed);
};
const sum = (passed: readonly number[]): number => passed.reduce((all, one) => all + one, 0);
const pair = sum(await Promise.all(Array.from({ length: 40 }, () => guess("192.0.2.1"))));
const account = sum(await Promise.all(Array.from({ length: 40 }, (_, n) => guess(`${network}.${n}`))));
await store.close();
process.stdout.write(JSON.stringify({ pair, account }));
