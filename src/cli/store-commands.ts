import { resolve } from "node:path";
import type { IdpError } from "../kernel/index.ts";
import { backupStore, checkStore, fileOfStore, restoreStore } from "../store/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

interface Options {
  readonly config: string;
  readonly json?: true;
}

/** A sentence for the operator: which file, what is wrong with it, and what to do. */
export function storeProblem({ facts }: IdpError): string {
  const { file, because, repair, sqlite, code } = facts;
  const which = file === undefined ? "The store" : `The store ${String(file)}`;
  const cause = because ?? sqlite ?? code ?? "unknown reason";
  const words = sqlite === undefined || sqlite === because ? "" : ` (${String(sqlite)})`;
  return `${which} cannot be used: ${String(cause)}${words}.${repair === undefined ? "" : ` ${String(repair)}`}\n`;
}

/** `store backup`: a copy of the store in a new file, whether a provider uses it or not. */
export function backUp(target: string, options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFile(options, io, async (file) => {
    const to = resolve(io.cwd, target);
    const { records } = await backupStore(file, to);
    say(
      io,
      options,
      { file: to, records },
      `${to}: ${records} records, sound. It holds keys and secrets: keep it as safe as the store.\n`,
    );
    return EXIT.fine;
  });
}

/** `store check`: whether the store, or a copy of it, is sound. */
export function checkFile(given: string | undefined, options: Options, io: CommandEnvironment): Promise<ExitCode> {
  return withFile(options, io, async (own) => {
    const file = given === undefined ? own : resolve(io.cwd, given);
    const { records, problems } = checkStore(file);
    const isSound = problems.length === 0;
    const text = isSound ? `${records} records, sound` : `damaged\n${problems.map((line) => `  ${line}\n`).join("")}`;
    say(io, options, { file, sound: isSound, records, problems }, `${file}: ${text.trimEnd()}\n`);
    return isSound ? EXIT.fine : EXIT.failed;
  });
}

/** `store restore`: a backup in the store's place, and what the operator must know about what came back. */
export function restore(
  from: string,
  options: Options & { readonly force?: true; readonly keepSessions?: true },
  io: CommandEnvironment,
): Promise<ExitCode> {
  return withFile(options, io, async (file) => {
    const keepSessions = options.keepSessions === true;
    const done = await restoreStore(resolve(io.cwd, from), file, { force: options.force === true, keepSessions });
    const lines = [
      `${file}: ${done.records} records brought back, ${done.leftOut} left out.`,
      keepSessions
        ? "Sessions, grants, tokens and trusted devices are as they were: those that were ended or used since live again."
        : "Everybody signs in again: sessions, grants, tokens, consents, trusted devices and codes of administrators are left out.",
      done.knowsUsed
        ? "What was used up since, as the replaced store told, stays used up."
        : "What was used up since is not known: start the provider two minutes from now, when no code of an authenticator app is good any more.",
      "Signing keys are those of the backup: if one was replaced since because it was stolen, run `moonlatch keys rotate --now`.",
    ];
    say(io, options, { file, ...done, keepSessions }, lines.map((line) => `${line}\n`).join(""));
    return EXIT.fine;
  });
}

function withFile(
  { config }: Options,
  io: CommandEnvironment,
  work: (file: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withConfig(config, io, async ({ store }) => {
    const file = fileOfStore(store);
    if (file !== undefined) return work(file);
    io.writeError(`store is "${store}", which is no file; use sqlite:<path>\n`);
    return EXIT.failed;
  });
}

function say(io: CommandEnvironment, { json }: Options, facts: object, text: string): void {
  io.write(json === true ? `${JSON.stringify(facts)}\n` : text);
}
