// One of several programs on one database: counts to fifty and tries to get fifty marks. Prints what it got.
import { realWorld } from "../../src/app/index.ts";
import { openStore } from "../../src/store/index.ts";

const store = await openStore(`sqlite:${process.argv[2] ?? ""}`, realWorld());
const marks: string[] = [];
let last = 0;
for (let round = 0; round < 50; round += 1) {
  const [isMine, counter] = await Promise.all([
    store.consumeOnce("jti", `mark-${round}`, Number.MAX_SAFE_INTEGER),
    store.increment("throttle", "demo", 3_600_000),
  ]);
  if (isMine) marks.push(`mark-${round}`);
  last = counter.count;
}
await store.close();
process.stdout.write(JSON.stringify({ marks, last }));
