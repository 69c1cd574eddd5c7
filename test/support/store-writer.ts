// Writes codes and tokens without end and prints the id of each pair once all of it is acknowledged. To be killed.
import { realWorld } from "../../src/app/index.ts";
import { openStore } from "../../src/store/index.ts";

const store = await openStore(`sqlite:${process.argv[2] ?? ""}`, realWorld());
for (let round = 0; ; round += 1) {
  const id = `pair-${round}`;
  await store.put("oidc.AuthorizationCode", id, { round });
  await Promise.all([store.consume("oidc.AuthorizationCode", id, 1), store.put("oidc.AccessToken", id, { round })]);
  process.stdout.write(`${id}\n`);
}
