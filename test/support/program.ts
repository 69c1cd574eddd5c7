import assert from "node:assert/strict";
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly issuer: string;
  readonly port: number;
  /** Status of /health/ready; 0 when nobody answers. */
  ready(): Promise<number>;
  /** Exit code and signal once it ended. */
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;
}

export interface ProgramOptions {
  /** Lua source of the only backend. */
  readonly script: string;
  /** More top-level YAML. */
  readonly more?: string;
  readonly stdio?: StdioOptions;
  /** What a shell does before it becomes the program, such as `ulimit -n 64;`. */
  readonly shell?: string;
}

/** `serve` as operators run it, ready to answer, in a folder of its own that goes away with it. */
export async function startProgram({
  script,
  more = "",
  stdio = "ignore",
  shell = "",
}: ProgramOptions): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-program-"));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  writeFileSync(join(folder, "backend.lua"), script);
  writeFileSync(
    join(folder, "config.yaml"),
    `issuer: ${issuer}
server: { listen: [{ host: 127.0.0.1, port: ${port} }] }
store: sqlite:./moonlatch.db
lua: { backends: [{ name: default, script: ./backend.lua }] }
${more}
`,
  );
  const run = `${shell} exec "$0" "$@"`;
  const child = spawn("/bin/sh", ["-c", run, process.execPath, MAIN, "serve", "-c", "config.yaml"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdio,
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  const ready = (): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      ({ status }) => status,
      () => 0,
    );
  const deadline = Date.now() + 30_000;
  while ((await ready()) !== 200) {
    assert.ok(child.exitCode === null && Date.now() < deadline, "the program did not become ready");
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    child,
    issuer,
    port,
    ready,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
