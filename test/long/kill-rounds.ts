// `npm run kill-rounds`: kills the real program under load again and again. Ends with 1 when something acknowledged was lost or something
// used lived again, 2 when the arguments were not understood.
import { parseArgs } from "node:util";
import { runKillRounds } from "../support/kill-rounds.ts";

const USAGE =
  "usage: npm run kill-rounds -- [--rounds <number>] [--seconds <number>] [--seed <number>] [--start-within <seconds>]\n";

function read(): Readonly<Record<"rounds" | "seconds" | "seed" | "start-within", number>> {
  const option = (fallback: number) => ({ type: "string", default: String(fallback) }) as const;
  try {
    const { values } = parseArgs({
      options: {
        rounds: option(300),
        seconds: option(3_600),
        seed: option(Date.now() % 1_000_000),
        "start-within": option(3),
      },
    });
    const numbers = {
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      seed: Number(values.seed),
      "start-within": Number(values["start-within"]),
    };
    if (Object.values(numbers).every((value) => Number.isFinite(value) && value >= 0)) return numbers;
  } catch {
    // Said below.
  }
  process.stderr.write(USAGE);
  process.exit(2);
}

const { rounds, seconds, seed, "start-within": startWithin } = read();
const begun = performance.now();
process.stdout.write(`seed ${seed}\n`);
const summary = await runKillRounds({
  rounds,
  seconds,
  seed,
  startWithin,
  progress: (line) => void process.stdout.write(`${line}\n`),
});
const { deeds } = summary;
process.stdout.write(
  `${summary.rounds} rounds in ${Math.round((performance.now() - begun) / 1000)} s: ${deeds["sign-in"]} sign-ins, ${deeds.recovery} recovery codes, ` +
    `${deeds.enrolment} enrolments, ${deeds.regeneration} regenerations; ${summary.facts} facts looked at; slowest start ${summary.slowestStart} ms of processor time; ` +
    `${summary.violations.length} violations; seed ${seed}\n`,
);
process.exitCode = summary.violations.length === 0 && summary.rounds > 0 ? 0 : 1;
