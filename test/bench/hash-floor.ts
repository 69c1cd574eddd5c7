// How often one thread verifies a password with nothing else to do; the cost parameters are those of `servers/pressure.ts`.
import { parentPort, workerData } from "node:worker_threads";
import { hashSync, verifySync } from "@node-rs/argon2";

const hash = hashSync("right", { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
const phase = workerData as number;
const from = performance.now();
let count = 0;
while (performance.now() - from < phase) {
  verifySync(hash, "right");
  count += 1;
}
parentPort?.postMessage((count * 1000) / (performance.now() - from));
