import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { journeyOf, OIDC } from "../support/journey.ts";
import { type Program, startProgram } from "../support/program.ts";
import { closed, quietSocket } from "../support/raw-socket.ts";

/** A password check takes as long as the user name says, in seconds. */
const SCRIPT = `
local time = require("time")
function nauthilus_backend_verify_password(request)
  local b = nauthilus_backend_result.new()
  if tonumber(request.username) then time.sleep(tonumber(request.username)) end
  b:user_found(true) b:authenticated(request.password == "right") b:account_field("account")
  b:attributes({ account = request.username })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`;
const options = { script: SCRIPT, more: `oidc:\n${OIDC}` };

/** A sign-in page, and what sends its form for a check of so many seconds. */
async function formOf(program: Program, seconds: number) {
  const { loginPage, submit } = journeyOf(() => program.issuer);
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  assert.equal(page.status, 200);
  return () => submit(visitor, page, String(seconds), "right");
}

test("SIGTERM under load lets every running sign-in finish, refuses new connections, and exits with 0 in time", async () => {
  await using program = await startProgram(options);
  // Eight people: one would meet the limit of the throttle.
  const forms = await Promise.all(Array.from({ length: 8 }, (_, index) => formOf(program, 1.5 + index / 1_000)));
  const answers = forms.map((send) => send());
  // Each form was taken once its check is under way: a request behind them on a connection of its own is answered.
  assert.equal(await program.ready(), 200);
  const started = performance.now();
  program.child.kill("SIGTERM");
  for (const answer of await Promise.all(answers)) assert.ok(answer.status === 200 && answer.handoff !== undefined);
  assert.deepEqual(await program.ended, [0, null]);
  assert.ok(performance.now() - started < 15_000);
  assert.equal(await program.ready(), 0);
});

test("SIGHUP changes nothing; a second SIGTERM does not wait for running requests, and still exits with 0", async () => {
  await using program = await startProgram(options);
  program.child.kill("SIGHUP");
  const send = await formOf(program, 4);
  const answer = send().then(
    () => "answered",
    () => "cut off",
  );
  const silent = quietSocket(program.port);
  await new Promise((resolve) => silent.once("connect", resolve));
  assert.equal(await program.ready(), 200);
  program.child.kill("SIGTERM");
  // Its port is closed once the first signal was taken.
  while ((await program.ready()) !== 0) await new Promise((resolve) => setImmediate(resolve));
  const started = performance.now();
  program.child.kill("SIGTERM");
  assert.deepEqual(await program.ended, [0, null]);
  assert.ok(performance.now() - started < 3_500);
  assert.equal(await answer, "cut off");
});

test("when nobody reads the log any more (EPIPE), people sign in all the same", async () => {
  await using program = await startProgram({ ...options, stdio: ["ignore", "pipe", "pipe"] });
  const { stdout, stderr } = program.child;
  await Promise.all(
    [stdout, stderr].map((stream) => new Promise((resolve) => stream?.destroy().once("close", resolve))),
  );
  for (let times = 0; times < 3; times += 1) assert.equal((await (await formOf(program, 0))()).status, 200);
  program.child.kill("SIGTERM");
  assert.deepEqual(await program.ended, [0, null]);
});

test("when the log's disk is full, people sign in all the same", async () => {
  const full = openSync("/dev/full", "w");
  await using program = await startProgram({ ...options, stdio: ["ignore", full, full] });
  for (let times = 0; times < 3; times += 1) assert.equal((await (await formOf(program, 0))()).status, 200);
  program.child.kill("SIGTERM");
  assert.deepEqual(await program.ended, [0, null]);
});

test("without a file descriptor left the program stays up, and serves again once there are some", async () => {
  await using program = await startProgram({ ...options, shell: "ulimit -n 64;" });
  const sockets = Array.from({ length: 200 }, () => quietSocket(program.port));
  const first = sockets[0] ?? assert.fail();
  await new Promise((resolve) => first.once("connect", resolve));
  // More than there are descriptors for: the last ones are closed at once.
  await closed(sockets[199] ?? assert.fail());
  for (const socket of sockets) socket.destroy();
  const deadline = Date.now() + 20_000;
  while ((await program.ready()) !== 200) assert.ok(program.child.exitCode === null && Date.now() < deadline);
  assert.equal((await (await formOf(program, 0))()).status, 200);
  program.child.kill("SIGTERM");
  assert.deepEqual(await program.ended, [0, null]);
});
