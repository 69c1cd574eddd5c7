import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Stopped, stepsAt } from "./faulty-idp.ts";
import { freePort } from "./free-port.ts";
import { CALLBACK } from "./journey.ts";
import { createLoad, type Deed, seedPeople } from "./kill-load.ts";
import { type Served, serveProgram } from "./served.ts";

const SCRIPT = readFileSync(new URL("../../lua/sqlite.lua", import.meta.url), "utf8").replace(
  'os.getenv("MOONLATCH_ACCOUNTS") or "./data/accounts.db"',
  '"./accounts.db"',
);
const LANES = 3;
/** Answers before a kill: at most; then milliseconds: at most. And milliseconds between two looks. */
const LOAD = { answers: 60, more: 25, step: 3 } as const;

export interface KillOptions {
  readonly rounds: number;
  /** No round begins after so many seconds. */
  readonly seconds: number;
  readonly seed: number;
  /** Seconds of processor time a start may take. */
  readonly startWithin: number;
  readonly progress: (line: string) => void;
}

export interface KillSummary {
  readonly rounds: number;
  readonly deeds: Readonly<Record<Deed["what"], number>>;
  /** Things that were sent or acknowledged before a kill, and looked at after it. */
  readonly facts: number;
  /** Milliseconds of processor time. */
  readonly slowestStart: number;
  readonly violations: readonly string[];
}

/**
 * Serves the real program on SQLite under load, kills it with SIGKILL at random moments, and looks after each new start whether every
 * acknowledged fact is there and everything that was used stays used (checklist G, row 129).
 */
export async function runKillRounds(options: KillOptions): Promise<KillSummary> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-kill-"));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  writeFileSync(join(folder, "backend.lua"), SCRIPT);
  writeFileSync(join(folder, "config.yaml"), configuration(issuer, port));
  await seedPeople(join(folder, "accounts.db"));
  const pick = seeded(options.seed);
  const steps = stepsAt({ issuer, log: [] }, Date.now);
  const load = createLoad(steps, join(folder, "accounts.db"));
  const violations: string[] = [];
  const deeds = { "sign-in": 0, recovery: 0, enrolment: 0, regeneration: 0 };
  let [rounds, facts, slowestStart] = [0, 0, 0];
  const keys = async () => (await fetch(`${issuer}/oidc/jwks`)).text();
  const begun = performance.now();
  // Node writes what it compiled when a program ends in order.
  await (await serveProgram(folder, port)).stop("SIGTERM");
  let served = await serveProgram(folder, port);
  try {
    const before = await keys();
    while (rounds < options.rounds && performance.now() - begun < options.seconds * 1000) {
      rounds += 1;
      const blame = (what: string): void => {
        violations.push(`round ${rounds}: ${what}`);
        options.progress(`VIOLATION round ${rounds}: ${what}`);
      };
      const done = await underLoad(served, { load, pick, blame });
      served = await serveProgram(folder, port).catch((error: unknown) => {
        blame(messageOf(error));
        return serveProgram(folder, port);
      });
      slowestStart = Math.max(slowestStart, served.startCost);
      if (served.startCost > options.startWithin * 1000) blame(`a start took ${served.startCost} ms`);
      if ((await keys()) !== before) blame("the keys are others");
      for (const deed of done) {
        deeds[deed.what] += 1;
        facts += deed.facts();
        await deed.verify().catch((error: unknown) => blame(`${deed.what}: ${messageOf(error)}`));
      }
      if (/SQLITE|malformed/.test(served.output())) blame(served.output());
      options.progress(
        `round ${rounds}/${options.rounds}: ${done.length} deeds, start ${served.startCost} ms, violations ${violations.length}`,
      );
    }
  } finally {
    await served.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
  return { rounds, deeds, facts, slowestStart, violations };
}

/** Lets people act until a random moment, and kills the program then. */
async function underLoad(
  served: Served,
  { load, pick, blame }: { load: ReturnType<typeof createLoad>; pick: () => number; blame: (what: string) => void },
): Promise<readonly Deed[]> {
  const done: Deed[] = [];
  const lanes = Array.from({ length: LANES }, () =>
    load
      .lane((deed) => void done.push(deed), pick)
      .catch((error: unknown) => {
        // Connections break when the program dies; an answer that leads nowhere, or a failed check, has no such excuse.
        if (error instanceof Stopped || error instanceof assert.AssertionError) blame(messageOf(error));
      }),
  );
  const enough = pick() * LOAD.answers;
  const state = { isOver: false };
  const over = Promise.all(lanes).finally(() => {
    state.isOver = true;
  });
  while (!state.isOver && done.reduce((sum, deed) => sum + deed.answers(), 0) < enough) await pause(LOAD.step);
  await pause(pick() * LOAD.more);
  await served.stop("SIGKILL");
  await over;
  return done;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}

function configuration(issuer: string, port: number): string {
  return `issuer: ${issuer}
server: { listen: [{ host: 127.0.0.1, port: ${port} }] }
store: sqlite:./moonlatch.db
lua: { backends: [{ name: default, script: ./backend.lua, allow: { databases: ["sqlite3:./accounts.db"] } }] }
oidc: { clients: [{ client_id: app, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token], skip_consent: true }] }
mfa: { throttle: { account: 1000000/1h, address: 1000000/1h } }
login: { throttle: { account: 1000000/1h, address: 1000000/1h } }
`;
}

/** Random numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
