import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createChainCheck, openAuditFile } from "../../../src/telemetry/index.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-chain-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function newFile(): string {
  files += 1;
  return join(folder, `audit-${files}.log`);
}

function event(name: string): string {
  return `${JSON.stringify({ time: "2026-01-01T00:00:00.000Z", event: name })}\n`;
}

function faultsOf(text: string): readonly string[] {
  const check = createChainCheck();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const fault = check.take(line);
      return fault === undefined ? [] : [`${fault.line}: ${fault.what}`];
    });
}

/** Two programs that take turns, and one that comes back after a restart. */
function written(): string {
  const path = newFile();
  const [one, other] = [openAuditFile(path), openAuditFile(path)];
  for (let turn = 0; turn < 3; turn += 1) {
    one(event(`one-${turn}`));
    other(event(`other-${turn}`));
  }
  openAuditFile(path)(event("after"));
  return readFileSync(path, "utf8");
}

test("a file that nobody touched has no fault, also with several writers and after a restart", () => {
  assert.deepEqual(faultsOf(written()), []);
});

test("a changed, a dropped, an inserted and a doubled line are found", () => {
  const lines = written().trimEnd().split("\n");
  const broken = (change: (copy: string[]) => void): readonly string[] => {
    const copy = [...lines];
    change(copy);
    return faultsOf(copy.join("\n"));
  };
  assert.match(broken((copy) => (copy[2] = (copy[2] ?? "").replace("one-1", "one-9")))[0] ?? "", /^3: it was changed/);
  assert.match(broken((copy) => copy.splice(2, 1))[0] ?? "", /it does not follow/);
  assert.match(broken((copy) => copy.splice(3, 0, '{"event":"made-up"}'))[0] ?? "", /^4: it is no line of a chain/);
  assert.match(broken((copy) => copy.splice(3, 0, copy[2] ?? ""))[0] ?? "", /^4: it does not follow/);
  assert.match(broken((copy) => copy.splice(0, 2))[0] ?? "", /^1: the lines before it are missing/);
});

test("lines from before there was a chain are held by the first chained one, and a torn line by the next", () => {
  const path = newFile();
  writeFileSync(path, event("old"));
  openAuditFile(path)(event("new"));
  appendFileSync(path, '{"event":"torn');
  openAuditFile(path)(event("next"));
  const text = readFileSync(path, "utf8");
  assert.deepEqual(faultsOf(text), ["3: it is no line of a chain"]);
  assert.match(faultsOf(text.replace('"old"', '"odd"')).join(), /2: the lines before it are missing/);
});
