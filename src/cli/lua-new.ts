import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";

/** Where the shipped scripts are. */
const SHIPPED = fileURLToPath(new URL("../../lua", import.meta.url));

/** Scripts that `lua/README.md` has a section for, with the configuration they need. */
const KINDS: readonly string[] = ["sqlite", "mysql", "postgres", "redis", "ldap", "http"];

/** Adds `lua new` to the commands of `lua`. */
export function addLuaNew(
  lua: Command,
  run: (work: () => Promise<ExitCode>) => () => Promise<void>,
  io: CommandEnvironment,
): void {
  lua
    .command("new <kind> <folder>")
    .description(`make a folder with a backend script to change (${KINDS.join(", ")})`)
    .action((kind: string, folder: string) => run(() => Promise.resolve(makeBackend(kind, folder, io)))());
}

/** `lua new`: a script with its configuration, its description and what an editor needs, in a folder that has nothing yet. */
function makeBackend(kind: string, folder: string, io: CommandEnvironment): ExitCode {
  if (!KINDS.includes(kind)) {
    io.writeError(`there is no kind of backend called ${kind}; one of: ${KINDS.join(", ")}\n`);
    return EXIT.usage;
  }
  const target = resolve(io.cwd, folder);
  try {
    if (existsSync(target) && readdirSync(target).length > 0) {
      io.writeError(`${target} is not empty, and nothing in it is overwritten; name a new folder\n`);
      return EXIT.refused;
    }
    writeBackend(kind, target);
  } catch (error) {
    io.writeError(`${target} cannot be written: ${error instanceof Error ? error.message : "unknown reason"}\n`);
    return EXIT.failed;
  }
  const config = quoted(join(folder, "moonlatch.yaml"));
  io.write(`${target} has a backend; README.md there says what it needs first. Then:

  moonlatch lua check -c ${config}
  moonlatch lua call nauthilus_backend_list_accounts -c ${config} --json '{}'
  moonlatch serve -c ${config}
`);
  return EXIT.fine;
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function writeBackend(kind: string, target: string): void {
  const schemas = readdirSync(join(SHIPPED, "schema")).filter((name) => name.startsWith(kind));
  const section = sectionOf(kind);
  mkdirSync(target, { recursive: true });
  for (const name of [`${kind}.lua`, ".luarc.json", "types", ...schemas.map((file) => `schema/${file}`)]) {
    cpSync(join(SHIPPED, name), join(target, name), { recursive: true });
  }
  writeFileSync(join(target, "README.md"), section.slice(1));
  writeFileSync(join(target, "moonlatch.yaml"), `${PROVIDER}${exampleIn(section)}`);
}

const PROVIDER = `# A provider for this machine. The documentation tells every key there is.
issuer: http://localhost:8080
server: { listen: [{ host: 127.0.0.1, port: 8080 }] }
store: sqlite:./data/moonlatch.db
`;

/** The section about the script, with the paths of the new folder. */
function sectionOf(kind: string): string {
  const sections = readFileSync(join(SHIPPED, "README.md"), "utf8").split(/^(?=## )/m);
  const section = sections.find((text) => text.startsWith(`## ${kind}.lua\n`));
  if (section === undefined) throw new Error(`lua/README.md has no section about ${kind}.lua`);
  return `${section.replaceAll(/(?:\.\/)?lua\/(?=schema|\w+\.lua)/g, "./").trimEnd()}\n`;
}

/** The configuration that the section shows. */
function exampleIn(section: string): string {
  const [example] = /^ {4}lua:\n(?: {4}.*\n)+/m.exec(section) ?? [];
  if (example === undefined) throw new Error("lua/README.md shows no configuration there");
  return example.replaceAll(/^ {4}/gm, "");
}
