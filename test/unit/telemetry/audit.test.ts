import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAuditLog, createLogger, openAuditFile } from "../../../src/telemetry/index.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-audit-"));
after(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

function record(append: ((line: string) => void) | undefined, username: string): readonly string[] {
  const lines: string[] = [];
  const logger = createLogger({ level: "info", format: "json", write: (line) => void lines.push(line) });
  const nameKey = (typed: string): string => `key of ${typed.length} characters`;
  const audit = createAuditLog({
    logger,
    clock: createManualClock(),
    nameKey,
    ...(append === undefined ? {} : { append }),
  });
  audit.record({ event: "sign_in_refused", username, reason: "rejected", address: "192.0.2.1" });
  audit.record({ event: "sign_in_refused", typed: "hunter2", reason: "not_found", address: "192.0.2.1" });
  return lines;
}

test("an event is one JSON line with the clock's time, and stands in the log too", () => {
  const written: string[] = [];
  const logged = record((line) => void written.push(line), "demo");
  assert.equal(written.length, 2);
  assert.deepEqual(JSON.parse(written[0] ?? ""), {
    time: new Date(createManualClock().now()).toISOString(),
    event: "sign_in_refused",
    username: "demo",
    reason: "rejected",
    address: "192.0.2.1",
  });
  assert.equal((JSON.parse(logged[0] ?? "") as Record<string, unknown>)["event"], "sign_in_refused");
});

test("what was typed for a name that nobody knows is written as a key alone, here and in the log", () => {
  const written: string[] = [];
  const logged = record((line) => void written.push(line), "demo");
  for (const line of [written[1], logged[1]]) {
    const event = JSON.parse(line ?? "") as Record<string, unknown>;
    assert.deepEqual(
      [event["name_key"], event["reason"], event["typed"]],
      ["key of 7 characters", "not_found", undefined],
    );
    assert.doesNotMatch(line ?? "", /hunter2/);
  }
});

test("without a file an event stands in the log alone", () => {
  assert.equal(record(undefined, "demo").length, 2);
});

test("a name with line breaks and terminal controls stays within its line", () => {
  const written: string[] = [];
  record((line) => void written.push(line), 'x\n{"event":"sign_in"}\u009b31m\u2028\u202e');
  const line = written[0] ?? "";
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.equal((JSON.parse(line) as { username: string }).username, 'x\n{"event":"sign_in"}\u009b31m\u2028\u202e');
});

test("the audit file is made with its folder, for its owner alone, and grows by appending", () => {
  const path = join(folder, "deep", "audit.log");
  openAuditFile(path)('{"event":"one"}\n');
  openAuditFile(path)('{"event":"two"}\n');
  assert.match(readFileSync(path, "utf8"), /^\{"event":"one",.*\}\n\{"event":"two",.*\}\n$/);
  assert.equal(modeOf(path), 0o600);
  assert.equal(modeOf(join(folder, "deep")), 0o700);
});

test("an audit file others could read is closed to them", () => {
  const path = join(folder, "open.log");
  writeFileSync(path, "");
  chmodSync(path, 0o644);
  openAuditFile(path);
  assert.equal(modeOf(path), 0o600);
});
