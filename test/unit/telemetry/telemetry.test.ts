import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { IdpError, Secret } from "../../../src/kernel/index.ts";
import { createAuditLog, createLogger, openAuditFile } from "../../../src/telemetry/index.ts";
import { createManualClock } from "../../support/manual-clock.ts";

function logged(format: "json" | "text", write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger({ level: "debug", format, write: (line) => void lines.push(line) }));
  return lines.join("");
}

for (const format of ["json", "text"] as const) {
  test(`the ${format} log prints no secret, by type and by name, however deep and in causes`, () => {
    const text = logged(format, (logger) => {
      logger.info("Something.", {
        held: new Secret("hidden-1"),
        password: "hidden-2",
        inner: [{ access_token: "hidden-3", Authorization: "hidden-4" }],
      });
      logger
        .child({ client_secret: "hidden-5" })
        .error("Failed.", {
          cause: new IdpError("INTERNAL", {}, { cause: { refresh_token: "hidden-6", fine: "shown" } }),
        });
    });
    assert.doesNotMatch(text, /hidden/);
    assert.match(text, /\[secret\]/);
    assert.match(text, /shown/);
  });

  test(`a name with line breaks and escapes stays on its line in the ${format} log`, () => {
    const text = logged(format, (logger) => logger.warn("Refused.", { username: "a\r\nlevel=error forged\u001b[31m" }));
    assert.equal(text.trimEnd().split(/[\r\n]/).length, 1);
    assert.equal(text.includes("\u001b"), false);
  });
}

test("lines below the level are left out", () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "warn", format: "json", write: (line) => void lines.push(line) });
  logger.info("quiet");
  logger.warn("loud");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ["loud"],
  );
});

test("the audit file has one JSON line per event with its time, and is its owner's alone", () => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-audit-"));
  try {
    const path = join(folder, "deep/audit.log");
    const append = openAuditFile(path);
    const audit = createAuditLog({
      logger: createLogger({ level: "error", format: "json", write: () => undefined }),
      clock: createManualClock(0),
      append,
    });
    audit.record({ event: "sign_in", account: "demo", amr: ["pwd"] });
    audit.record({ event: "sign_out", account: "a\nb" });
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as object),
      [
        { time: "1970-01-01T00:00:00.000Z", event: "sign_in", account: "demo", amr: ["pwd"] },
        { time: "1970-01-01T00:00:00.000Z", event: "sign_out", account: "a\nb" },
      ],
    );
    assert.equal(statSync(path).mode & 0o077, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
