// Each endpoint and the whole login, against the provider and against raw oidc-provider on the same store through the same adapter.
import { setTimeout as pause } from "node:timers/promises";
import { type Gate, inFlight, type Measured, ratioGate } from "./measure.ts";
import {
  discovery,
  introspect,
  login,
  OWN_PATHS,
  RAW_PATHS,
  refreshChains,
  type Server,
  start,
  userinfo,
} from "./server.ts";

const IN_FLIGHT = 8;
/** Asked for a part in each round, so that each look-up is a new one. */
const PEOPLE = 80;
const ROUNDS_OF_PEOPLE = 4;
/** Milliseconds after which the provider asks the backend again, and a little. */
const CLAIMS_CACHE = 5_200;

/** One thing that is measured: how often a round does it, what it is and, where it must not be too soon, how long a round is. */
interface Work {
  readonly total: number;
  readonly every?: number;
  readonly operation: (server: Server) => () => Promise<unknown>;
}

/**
 * A round is both servers, each first in every other round. Rounds are short and many, because neighbours on the machine change what the same
 * work costs from second to second; the first three warm both up.
 */
async function measure(servers: readonly Server[], rounds: number, work: Work): Promise<readonly Measured[]> {
  const samples = new Map(servers.map((server) => [server, { name: server.name, cpu: [] as number[] }]));
  for (let round = -3; round < rounds; round += 1) {
    const from = performance.now();
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
      const before = await server.cpu();
      await inFlight(work.operation(server), IN_FLIGHT, work.total);
      if (round >= 0) samples.get(server)?.cpu.push(((await server.cpu()) - before) / work.total);
    }
    await pause(Math.max(0, (work.every ?? 0) - (performance.now() - from)));
  }
  return [...samples.values()];
}

/** What each server was given before the measuring. */
async function prepare(server: Server) {
  const people: string[] = [];
  await inFlight(
    async () => people.push((await login(server, `person${people.length}-${process.hrtime.bigint()}`)).access_token),
    IN_FLIGHT,
    PEOPLE,
  );
  const { access_token: token } = await login(server);
  return { people, token, refresh: await refreshChains(server, IN_FLIGHT) };
}

export async function* benchOidc(rounds: number): AsyncGenerator<Gate> {
  const servers = [
    await start("Moonlatch", "moonlatch.ts", OWN_PATHS),
    await start("raw oidc-provider", "raw.ts", RAW_PATHS),
  ];
  try {
    const given = new Map<Server, Awaited<ReturnType<typeof prepare>>>();
    for (const server of servers) given.set(server, await prepare(server));
    const of = (server: Server) => {
      const found = given.get(server);
      if (found === undefined) throw new Error("an unprepared server");
      return found;
    };
    const turns = new Map(servers.map((server) => [server, 0]));
    const nextPerson = (server: Server): string => {
      const turn = (turns.get(server) ?? 0) + 1;
      turns.set(server, turn);
      return of(server).people[turn % PEOPLE] ?? "";
    };
    const run = (work: Work) => measure(servers, rounds, work);
    yield ratioGate(
      "token (refresh with rotation, RS256 ID token, SQLite, refresh token flushed)",
      await run({ total: 24, operation: (server) => of(server).refresh }),
      1.2,
    );
    yield ratioGate(
      "introspection (SQLite)",
      await run({ total: 40, operation: (server) => () => introspect(server, of(server).token) }),
      1.2,
    );
    yield ratioGate("discovery", await run({ total: 60, operation: (server) => () => discovery(server) }), 1.2);
    yield ratioGate(
      "userinfo, claims of Lua cached (SQLite)",
      await run({ total: 40, operation: (server) => () => userinfo(server, of(server).token) }),
      1.2,
    );
    yield ratioGate(
      "userinfo, a Lua call each time (SQLite)",
      await run({
        total: PEOPLE / ROUNDS_OF_PEOPLE,
        every: CLAIMS_CACHE / ROUNDS_OF_PEOPLE,
        operation: (server) => () => userinfo(server, nextPerson(server)),
      }),
      1.5,
    );
    yield ratioGate(
      "whole login with code and tokens (SQLite, session, grant, code and consumed marks flushed, no hash)",
      await run({ total: 12, operation: (server) => () => login(server) }),
      1.25,
    );
  } finally {
    for (const server of servers) server.stop();
  }
}
