import assert from "node:assert/strict";
import { test } from "node:test";
import { IdpError, Secret } from "../../../src/kernel/index.ts";
import { createLogger, type Logger } from "../../../src/telemetry/index.ts";

function logTo(format: "json" | "text") {
  const lines: string[] = [];
  return { lines, logger: createLogger({ level: "debug", format, write: (line) => void lines.push(line) }) };
}

/** What one call leaves, as the reader of the log gets it. */
function logged(call: (logger: Logger) => void): Record<string, unknown> {
  const { lines, logger } = logTo("json");
  call(logger);
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? "") as Record<string, unknown>;
}

test("a JSON line has its time, its level in words, the message and the fields", () => {
  const { time, ...line } = logged((logger) => logger.warn("The store is slow.", { milliseconds: 12 }));
  assert.deepEqual(line, { level: "warn", milliseconds: 12, msg: "The store is slow." });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

for (const name of [
  "password",
  "client_secret",
  "code",
  "code_verifier",
  "token",
  "access_token",
  "refresh_token",
  "id_token",
  "id_token_hint",
  "client_assertion",
  "Cookie",
  "Set-Cookie",
  "Authorization",
  "totp_secret",
  "accessToken",
]) {
  test(`a field named ${name} is kept secret at any depth, in both formats`, () => {
    for (const format of ["json", "text"] as const) {
      const { lines, logger } = logTo(format);
      logger.info("A request.", { [name]: "gAQ7-hidden", request: { list: [{ [name]: ["gAQ7-hidden"] }] } });
      logger.child({ [name]: "gAQ7-hidden" }).info("Another.");
      assert.equal(lines.length, 2);
      assert.doesNotMatch(lines.join(""), /gAQ7-hidden/);
      assert.equal(lines.join("").match(/\[secret\]/g)?.length, 3);
    }
  });
}

test("a Secret prints as [secret] under any name, and inside an error", () => {
  const error = new Error("refused", { cause: { held: new Secret("gAQ7-hidden"), password: "gAQ7-hidden" } });
  const line = logged((logger) => logger.error("Refused.", { anything: new Secret("gAQ7-hidden"), error }));
  assert.equal(line["anything"], "[secret]");
  assert.doesNotMatch(JSON.stringify(line), /gAQ7-hidden/);
});

test("an address is logged without its query, which may hold a code", () => {
  const line = logged((logger) => logger.info("Sent on.", { to: new URL("https://a.example/cb?code=gAQ7-hidden#x") }));
  assert.equal(line["to"], "https://a.example/cb");
});

test("an error keeps its name, its message, its facts and its cause", () => {
  const error = new IdpError("STORE_UNAVAILABLE", { reference: "r1" }, { cause: new Error("disk full") });
  const { error: shown } = logged((logger) => logger.error("Failed.", { error }));
  const { stack, cause, ...rest } = shown as { stack: string; cause: { message: string } };
  assert.deepEqual(rest, { name: "IdpError", message: "STORE_UNAVAILABLE", facts: { reference: "r1" } });
  assert.equal(cause.message, "disk full");
  assert.match(stack, /logger\.test\.ts/);
});

test("values that JSON cannot hold do not break a line, nor does a circle", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const line = logged((logger) =>
    logger.info("Odd values.", {
      circle,
      date: new Date(0),
      badDate: new Date(Number.NaN),
      big: 10n,
      bytes: new Uint8Array(3),
      map: new Map([["password", "gAQ7-hidden"]]),
      set: new Set(["one"]),
    }),
  );
  assert.doesNotMatch(JSON.stringify(line), /gAQ7-hidden/);
  assert.match(JSON.stringify(line["circle"]), /\[deep\]/);
  assert.deepEqual(
    [line["date"], line["badDate"], line["big"], line["bytes"], line["set"]],
    ["1970-01-01T00:00:00.000Z", "[no date]", "10", "[3 bytes]", ["one"]],
  );
});

test("fields do not pass for the line's own time, level or message", () => {
  const { lines, logger } = logTo("json");
  logger.info("Real.", { time: "never", level: "fatal", msg: "Forged." });
  const line = lines[0] ?? "";
  assert.equal(line.match(/"msg":/g)?.length, 1);
  const shown = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual([shown["level"], shown["msg"], shown["field_msg"]], ["info", "Real.", "Forged."]);
  assert.notEqual(shown["time"], "never");
});

test("no value, name or message of a field begins a line or reaches the terminal as a control, in both formats", () => {
  const hostile = "a\r\nb\u001b[31m\u009b31m\u007f\u0085\u2028\u202e\u2066\ufeff";
  for (const format of ["json", "text"] as const) {
    const { lines, logger } = logTo(format);
    logger.info(hostile, { value: hostile, [hostile]: 1, nested: { [hostile]: [hostile] } });
    const line = lines.join("");
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
  const shown = logged((logger) => logger.info("Escaped.", { value: hostile }));
  assert.equal(shown["value"], hostile);
});

test("the readable format has time, level, message and fields on one line", () => {
  const { lines, logger } = logTo("text");
  logger.child({ backend: "default" }).info("A script was loaded.", { line: 3, note: "two words" });
  assert.match(lines[0] ?? "", /^\S+Z INFO {2}A script was loaded\. backend="default" line=3 note="two words"\n$/);
});
