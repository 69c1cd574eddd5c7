import { text } from "node:stream/consumers";
import { type CallContext, NO_APPLICATION } from "../backend/index.ts";
import { hashPassword } from "../lua/index.ts";
import { withBackends } from "./lua-commands.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";
import { withConfig } from "./serve-file.ts";

/** A command is behind the call, no application. */
export const COMMAND_CONTEXT: CallContext = {
  ...NO_APPLICATION,
  grant_type: "",
  session: "command",
  client_ip: "",
  client_port: "",
  user_agent: "",
  local_ip: "",
  local_port: "",
};

/** `hash-password`: from standard input, so that the password stands in no history and no process list. */
export async function hashPasswordCommand(io: CommandEnvironment): Promise<ExitCode> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, "");
  if (password === "") {
    io.writeError("give the password on standard input\n");
    return EXIT.usage;
  }
  io.write(`${await hashPassword(password)}\n`);
  return EXIT.fine;
}

/** `accounts list`: `nauthilus_backend_list_accounts` of every backend. */
export function listAccounts(
  { config: file, json }: { config: string; json?: true },
  io: CommandEnvironment,
): Promise<ExitCode> {
  return withConfig(file, io, (config) =>
    withBackends(config, io, async (lua) => {
      const listed = await lua.accounts.listAccounts(COMMAND_CONTEXT);
      if (listed.code !== "ok") {
        io.writeError(
          `the accounts cannot be listed: ${listed.code === "unavailable" ? listed.reason : listed.code}\n`,
        );
        return EXIT.failed;
      }
      io.write(
        json === true ? `${JSON.stringify(listed.values)}\n` : listed.values.map((name) => `${name}\n`).join(""),
      );
      return EXIT.fine;
    }),
  );
}

/** `accounts show`: a lookup without a password; secrets are shown as such. */
export function showAccount(
  name: string,
  { config: file, json }: { config: string; json?: true },
  io: CommandEnvironment,
): Promise<ExitCode> {
  return withConfig(file, io, (config) =>
    withBackends(config, io, async (lua) => {
      const found = await lua.accounts.lookup(name, COMMAND_CONTEXT);
      if (found.code !== "found") {
        io.writeError(`${name}: ${found.code === "unavailable" ? found.reason : found.code}\n`);
        return EXIT.failed;
      }
      io.write(
        json === true ? `${JSON.stringify(found.account)}\n` : `${JSON.stringify(found.account, undefined, 2)}\n`,
      );
      return EXIT.fine;
    }),
  );
}
