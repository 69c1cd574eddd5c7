import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A foreign service provider as a process of the test. */
export interface SamlSp {
  readonly origin: string;
  readonly entityId: string;
  /** Its own metadata. */
  readonly metadata: string;
  readonly log: () => string;
  stop(): Promise<void>;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly metadataPath: string;
}

/** A folder for a program that may run as another user. */
export function programFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-sp-"));
  chmodSync(folder, 0o777);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Starts it, waits until it hands out its metadata, and removes its folder when it stops. */
export async function startProgram(
  folder: string,
  { command, args, env = {}, origin, metadataPath }: Program,
): Promise<SamlSp> {
  const child: ChildProcess = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const deadline = Date.now() + 20_000;
  let metadata: string | undefined;
  while (metadata === undefined) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${command} did not start: ${output}${errorLog(folder)}`);
    metadata = await fetch(origin + metadataPath).then(
      async (response) => (response.status === 200 ? response.text() : undefined),
      () => undefined,
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    origin,
    entityId: /entityID="([^"]+)"/.exec(metadata)?.[1] ?? "",
    metadata,
    log: () => output + errorLog(folder),
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function errorLog(folder: string): string {
  const file = join(folder, "error.log");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
