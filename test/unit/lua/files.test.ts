import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBackend, type TestBackend } from "../../support/lua.ts";

let backend: TestBackend;
const outside = join(tmpdir(), `moonlatch-outside-${process.pid}.txt`);
before(async () => {
  backend = await startBackend(`function nauthilus_backend_list_accounts(request)
    local function shown(...)
      local out = {}
      for i = 1, select("#", ...) do out[i] = tostring((select(i, ...))) end
      return table.concat(out, "|")
    end
    return 0, { shown(assert(loadstring("local folder = ... " .. request.password))(request.username)) }
  end`);
  writeFileSync(join(backend.folder, "users.csv"), "a,1\nb,2\n\nlast");
  writeFileSync(join(backend.folder, "bytes"), Buffer.from([0, 255, 10, 0]));
  writeFileSync(join(backend.folder, "numbers"), " 12 -3.5e2 x");
  writeFileSync(join(backend.folder, "large"), "");
  truncateSync(join(backend.folder, "large"), 9 * 1024 * 1024);
  mkdirSync(join(backend.folder, "sub"));
  writeFileSync(join(backend.folder, "sub", "inner.txt"), "inner");
  writeFileSync(outside, "not for scripts");
  symlinkSync(outside, join(backend.folder, "link"));
});
after(async () => {
  await backend.stop();
  rmSync(outside);
});

/** Chunks, and what they return; `folder` is the granted one. */
const CASES: readonly (readonly [chunk: string, expected: string])[] = [
  [
    `local out = {} for line in io.lines("users.csv") do out[#out + 1] = "<" .. line .. ">" end return table.concat(out)`,
    "<a,1><b,2><><last>",
  ],
  [
    `local f = assert(io.open(folder .. "/users.csv", "r")) return f:read(), f:read("*l"), f:read("*a"), f:read("*a"), f:read(), f:close()`,
    "a,1|b,2|\nlast||nil|true",
  ],
  [
    `local f = io.open("users.csv", "rb") local n = 0 for _ in f:lines() do n = n + 1 end return n, io.type(f), f:close(), io.type(f), io.type("x")`,
    "4|file|true|closed file|nil",
  ],
  [
    `local f = io.open("users.csv") return f:read(2, 3), f:seek("set", 0), f:read(0), f:seek("end"), f:read(1), f:read(0)`,
    "a,|0||13|nil|nil",
  ],
  [`return io.open("users.csv"):read(2, 3)`, "a,|1\nb"],
  [`local f = io.open("numbers") return f:read("*n", "*n", "*n")`, "12|-350|nil"],
  [`return io.open("bytes"):read("*a"):byte(1, -1)`, "0|255|10|0"],
  [`return io.open("sub/inner.txt"):read("*a")`, "inner"],
  [`return io.open("none.txt")`, "nil|none.txt: No such file or directory|2"],
  [`return io.open("sub")`, "nil|sub: is not a file|2"],
  [`return io.open("large")`, "nil|large: larger than 8 MB|2"],
  [`return io.open("users.csv", "w")`, "nil|users.csv: files can only be read|13"],
  [`return io.open("users.csv"):write("x")`, "nil|files can only be read|9"],
  ...["/etc/passwd", "../x", "sub/../../x", outside, "link"].map((name): readonly [string, string] => [
    `return io.open("${name}")`,
    `nil|${name}: not granted; add the file or its folder to allow.files of this backend|2`,
  ]),
  [`local f = io.open("users.csv") f:close() return pcall(f.read, f)`, "false|attempt to use a closed file"],
  [`return select(2, pcall(io.lines, "none.txt"))`, "none.txt: No such file or directory"],
  [
    `return select(2, pcall(io.popen, "id")):match("io.popen.*")`,
    "io.popen is not available: a script runs no programs",
  ],
  [`return require("io") == io, io.tmpfile, io.output`, "true|nil|nil"],
];

for (const [chunk, expected] of CASES) {
  test(chunk.slice(0, 110), async () => {
    const fields = { password: chunk, username: backend.folder };
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", fields);
    assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, [expected]);
  });
}
