import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";

const dockerfile = readFileSync("Dockerfile", "utf8");
const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = ""]) => files.split(" "));

test("what the image is built from is there, and is sent to the engine", () => {
  assert.ok(copied.includes("src") && copied.includes("views"));
  const sent = readFileSync(".dockerignore", "utf8").split("\n");
  assert.ok(sent.includes("*"));
  for (const file of copied) assert.ok(existsSync(file) && sent.includes(`!${file}`), file);
});

test("what the program reads beside its modules is in the image", () => {
  const folders = ["src/app/compose.ts"].flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/\bpath\("(\w+)"\)/g)].map(([, name = ""]) => name),
  );
  assert.deepEqual(folders.toSorted(), ["public", "views"]);
  const final = dockerfile.slice(dockerfile.lastIndexOf("FROM "));
  for (const folder of [...folders, "dist", "node_modules"])
    assert.match(final, new RegExp(`^COPY .*\\b${folder}$`, "m"));
  assert.match(final, /^USER [1-9]\d*:[1-9]\d*$/m);
});

test("modules that are loaded by their address are named without an ending, so that the built program finds them", () => {
  const wrong = globSync("src/**/*.ts").filter((file) => /new URL\([^)]*\.ts["'`]/.test(readFileSync(file, "utf8")));
  assert.deepEqual(wrong, []);
});
