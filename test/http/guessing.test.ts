import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createVisitor, follow, type Visit } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC } from "../support/journey.ts";

/** People called `gone…` do not exist, those called `bann…` are refused; checking a password takes its time, as a hash does. */
const SCRIPT = `
function nauthilus_backend_verify_password(request)
  local B = nauthilus_builtin
  local kind = string.sub(request.username, 1, 4)
  if kind == "gone" then return B.BACKEND_RESULT_NOT_FOUND end
  if kind == "bann" then return B.BACKEND_RESULT_DENIED end
  local work = 0
  for i = 1, 30000 do work = work + i end
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "right")
  b:account_field("account")
  b:attributes({ account = request.username })
  return B.BACKEND_RESULT_OK, b
end`;
const KINDS = ["real", "ctrl", "gone", "bann"] as const;
const ROUNDS = 7;

let idp: TestIdp;
const { loginPage } = journeyOf(() => idp.issuer);
before(async () => {
  const more = "login: { throttle: { account: 4/15m, address: 1000/15m, surge: 1000/15m } }";
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, more });
});
after(() => idp.stop());

interface Guess {
  readonly answer: Visit;
  /** The page the answer leads to. */
  readonly end: Visit;
  /** Milliseconds the answer took. */
  readonly took: number;
}

/** A browser of its own at the sign-in page, that guesses as often as it is told. */
async function guesser(headers: Readonly<Record<string, string>> = {}) {
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  return async (username: string, password: string): Promise<Guess> => {
    const startedAt = performance.now();
    const answer = await visitor.post(page.url, { csrf: page.field("csrf"), username, password }, headers);
    const took = performance.now() - startedAt;
    return { answer, end: await follow(visitor, answer, idp.issuer), took };
  };
}

/** Everything of the answers but what is random in each of them, and the time of day. */
function comparable({ answer, end }: Guess, name: string): readonly string[] {
  return [answer, end].map(({ status, headers, body }) => {
    const lines = [...headers].filter(([key]) => key !== "date").map(([key, value]) => `${key}: ${value}`);
    return [status, ...lines, "", body]
      .join("\n")
      .replaceAll(name, "NAME")
      .replaceAll(/(name="csrf" value=")[^"]+/g, "$1TOKEN")
      .replaceAll(/\/login\/oidc\/[\w-]+/g, "/login/oidc/ID");
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Within 20 % or 15 ms of the control in the same run. */
function assertSameTime(took: Readonly<Record<string, readonly number[]>>, control: readonly number[]): void {
  const usual = median(control);
  for (const [kind, times] of Object.entries(took)) {
    const apart = Math.abs(median(times) - usual);
    assert.ok(apart <= Math.max(15, usual * 0.2), `${kind}: ${median(times)} ms, control ${usual} ms`);
  }
}

test("a wrong password, an unknown name and a refused account get the same answer in the same time", async () => {
  const took: Record<string, number[]> = {};
  const seen = new Map<string, readonly string[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of KINDS) {
      const name = `${kind}-${round}`;
      const answer = await (await guesser())(name, "wrong");
      (took[kind] ??= []).push(answer.took);
      seen.set(name, comparable(answer, name));
    }
  }
  const [first] = seen.values();
  assert.match(first?.join("\n") ?? "", /303\n[^]*That sign-in did not work/);
  for (const [name, answer] of seen) assert.deepEqual(answer, first, name);
  assertSameTime(took, took["ctrl"] ?? []);
});

test("what is throttled is answered alike, whether the name is known and the password right or not", async () => {
  const took: Record<string, number[]> = {};
  const seen = new Map<string, readonly string[]>();
  const waits: number[] = [];
  const guess = await guesser();
  for (const kind of KINDS) for (let tries = 0; tries < 2; tries += 1) await (await guesser())(`${kind}-lock`, "wrong");
  for (let round = 0; round < 2 * ROUNDS; round += 1) {
    for (const kind of KINDS) {
      const name = `${kind}-lock`;
      for (const password of ["right", "wrong"]) {
        const answer = await guess(name, password);
        (took[`${kind} ${password}`] ??= []).push(answer.took);
        const wait = answer.answer.headers.get("retry-after") ?? "";
        waits.push(Number(wait));
        const texts = comparable(answer, name).map((answered) => answered.replace(`retry-after: ${wait}\n`, ""));
        seen.set(`${kind} ${password} ${round}`, texts);
      }
    }
  }
  const [first] = seen.values();
  assert.match(first?.join("\n") ?? "", /^429\n[^]*Too many attempts/);
  for (const [name, answer] of seen) assert.deepEqual(answer, first, name);
  assert.ok(
    waits.every((wait) => wait > 14 * 60 && wait <= 15 * 60),
    waits.join(" "),
  );
  assertSameTime(took, took["ctrl wrong"] ?? []);
});

test("neither a forwarded address of nobody we trust nor another spelling nor a new session is a new guesser", async () => {
  const spellings = ["victim", " Victim", "VICTIM", "ｖictim", "victím", "vic\u200dtim"];
  const statuses: number[] = [];
  for (const [n, spelling] of spellings.entries()) {
    const forwarded = {
      "x-forwarded-for": `198.51.100.${n}`,
      forwarded: `for=198.51.100.${n}`,
      "x-real-ip": `198.51.100.${n}`,
    };
    const { answer } = await (await guesser(forwarded))(spelling, "wrong");
    statuses.push(answer.status);
  }
  assert.deepEqual(statuses, [303, 303, 429, 429, 429, 429]);
});

test("no more than the limits pass when two programs on one store guess at once", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-throttle-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = fileURLToPath(import.meta.resolve("../support/throttle-race.ts"));
  const run = async (network: string): Promise<{ readonly pair: number; readonly account: number }> => {
    const args = [program, join(folder, "race.db"), network];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [out] = await Promise.all([text(child.stdout), once(child, "close")]);
    return JSON.parse(out) as { pair: number; account: number };
  };
  const [one, two] = await Promise.all([run("198.51.100"), run("203.0.113")]);
  assert.deepEqual([one.pair + two.pair, one.account + two.account], [5, 5]);
});
