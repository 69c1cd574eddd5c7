// Redis for tests: Debian's program on loopback, in a folder of its own that is removed.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

export interface RedisServer {
  readonly port: number;
  readonly address: string;
  readonly folder: string;
  /** What `redis-cli` prints for a command. */
  cli(...args: readonly string[]): string;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  start(): Promise<void>;
  /** Stops its work without ending it. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a server with the lines of a configuration file, every change kept on disk. `port` is known before it starts. */
export async function startRedis(
  lines: (port: number, folder: string) => readonly string[] = () => [],
  flags: readonly string[] = [],
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-redis-"));
  const port = await freePort();
  const file = join(folder, "redis.conf");
  const common = ["bind 127.0.0.1", `dir ${folder}`, 'logfile ""'];
  writeFileSync(file, [...common, ...lines(port, folder)].join("\n"));
  let running: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const child = spawn("/usr/bin/redis-server", [file, ...flags], { stdio: ["ignore", "pipe", "ignore"] });
    running = child;
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => void (said += text));
    const ended = once(child, "exit");
    while (!/Ready to accept connections|\+monitor|Sentinel ID/.test(said)) {
      if (child.exitCode !== null) throw new Error(`redis-server ended: ${said}`);
      await Promise.race([once(child.stdout, "data"), ended]);
    }
  };
  const kill = async (): Promise<void> => {
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  };
  await start();
  return {
    port,
    address: `127.0.0.1:${port}`,
    folder,
    start,
    kill,
    cli: (...args) =>
      spawnSync("/usr/bin/redis-cli", ["-p", String(port), ...args], { encoding: "utf8" }).stdout.trim(),
    signal: (name) => void running?.kill(name),
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A server by itself. */
export const standalone = (port: number): readonly string[] => [`port ${port}`, "appendonly yes", "appendfsync always"];
