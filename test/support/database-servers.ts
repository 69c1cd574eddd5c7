// MariaDB and PostgreSQL for tests: the programs of Debian's packages on loopback, each with a folder of its own that is removed.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsFiles } from "../../src/config/index.ts";
import { type Certified, writePair } from "./certificates.ts";
import { freePort } from "./free-port.ts";

/** A name and a password that every way of writing a DSN has trouble with. */
export const USER = "moonlatch";
export const PASSWORD = "p@ss:w/or?d #%25'1";

export interface DatabaseServer {
  readonly port: number;
  /** Where its socket is. */
  readonly folder: string;
  /** Ends it at once, as a crash does, and starts it again on the same port and folder. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Starts it again with TLS. */
  secure(certified: Pick<Certified, "certificate" | "key">): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

interface Program {
  readonly folder: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Ends it like a crash, with all its processes. */
  readonly crash: "SIGKILL" | "SIGQUIT";
  readonly tls: (files: TlsFiles) => readonly string[];
  /** Neither program runs as root of its own accord. */
  readonly uid?: number;
}

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const READY = /ready (?:for|to accept) connections/;

async function serve({ folder, port, command, args, crash, tls, uid }: Program): Promise<DatabaseServer> {
  let running: ChildProcess | undefined;
  let more: readonly string[] = [];
  const start = async (): Promise<void> => {
    const identity = uid === undefined ? {} : { uid, gid: uid };
    const child = spawn(command, [...args, ...more], { cwd: folder, stdio: ["ignore", "ignore", "pipe"], ...identity });
    running = child;
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-8_000);
        if (READY.test(said)) resolve();
      });
      child.once("exit", () => reject(new Error(`${command} ended: ${said}`)));
    });
  };
  const kill = async (): Promise<void> => {
    if (running?.exitCode !== null || running.signalCode !== null) return;
    running.kill(crash);
    await once(running, "exit");
  };
  await start();
  return {
    port,
    folder,
    start,
    kill,
    async secure(certified) {
      const files = { cert_file: join(folder, "cert.pem"), key_file: join(folder, "key.pem") };
      writePair(files, certified);
      if (uid !== undefined) chownSync(files.key_file, uid, uid);
      more = tls(files);
      await kill();
      await start();
    },
    async restart() {
      await kill();
      await start();
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A MariaDB server with the database `accounts`, made from `schema`, that `USER` may do anything with. */
export async function startMariadb(schema = ""): Promise<DatabaseServer> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-mariadb-"));
  const port = await freePort();
  const tables = (name: string) => readFileSync(`/usr/share/mysql/${name}.sql`, "utf8");
  const common = [
    "--no-defaults",
    `--datadir=${folder}`,
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    ...(isRoot ? ["--user=root"] : []),
  ];
  // One statement a line.
  const input = `CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket=NULL;
${tables("mysql_system_tables")}
${tables("mysql_system_tables_data")}
FLUSH PRIVILEGES;
CREATE DATABASE accounts CHARACTER SET utf8mb4;
CREATE USER '${USER}'@'%' IDENTIFIED BY '${PASSWORD.replaceAll("'", "''")}';
GRANT ALL ON accounts.* TO '${USER}'@'%';
USE accounts;
${schema.replaceAll(/--.*$/gm, "").replaceAll("\n", " ").replaceAll(";", ";\n")}
`;
  prepare("/usr/sbin/mariadbd", [...common, "--bootstrap"], { input });
  return serve({
    folder,
    port,
    command: "/usr/sbin/mariadbd",
    args: [
      ...common,
      `--port=${port}`,
      `--socket=${join(folder, "mariadb.sock")}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
    ],
    crash: "SIGKILL",
    tls: (files) => [`--ssl-cert=${files.cert_file}`, `--ssl-key=${files.key_file}`],
  });
}

/** A PostgreSQL server with the database `accounts`, made from `schema`, that belongs to `USER`. */
export async function startPostgres(schema = ""): Promise<DatabaseServer> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-postgres-"));
  const port = await freePort();
  const programs = globSync("/usr/lib/postgresql/*/bin").toSorted().at(-1) ?? "";
  const data = join(folder, "data");
  const identity = isRoot ? { uid: NOBODY } : {};
  writeFileSync(join(folder, "password"), `${PASSWORD}\n`);
  if (isRoot) for (const path of [folder, join(folder, "password")]) chownSync(path, NOBODY, NOBODY);
  const auth = ["--auth=scram-sha-256", `--username=${USER}`, `--pwfile=${join(folder, "password")}`];
  prepare(join(programs, "initdb"), ["-D", data, "--no-sync", "--encoding=UTF8", "--locale=C", ...auth], identity);
  const options = ["-c", "fsync=off", "-c", "shared_buffers=16MB"];
  prepare(join(programs, "postgres"), ["--single", "-D", data, "-j", ...options, "postgres"], {
    ...identity,
    input: "CREATE DATABASE accounts;\n\n",
  });
  // With -j a statement ends at a semicolon and an empty line.
  prepare(join(programs, "postgres"), ["--single", "-D", data, "-j", ...options, "accounts"], {
    ...identity,
    input: `${schema.replaceAll(/;\s*$/gm, ";\n")}\n\n`,
  });
  return serve({
    folder,
    port,
    command: join(programs, "postgres"),
    args: ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", folder, ...options],
    crash: "SIGQUIT",
    tls: (files) =>
      ["ssl=on", `ssl_cert_file=${files.cert_file}`, `ssl_key_file=${files.key_file}`].flatMap((one) => ["-c", one]),
    ...identity,
  });
}

function prepare(command: string, args: readonly string[], options: { input?: string; uid?: number }): void {
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const { status, stdout, stderr } = spawnSync(command, args, {
    ...identity,
    cwd: "/",
    encoding: "utf8",
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  const said = `${stdout}${stderr}`;
  if (status !== 0 || /\bERROR:/.test(said)) throw new Error(`${command} failed: ${said.slice(-2_000)}`);
}
