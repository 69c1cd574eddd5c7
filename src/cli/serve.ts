import { composeIdp, realWorld, SealingKeyError } from "../app/index.ts";
import type { Config, ConfigWatch } from "../config/index.ts";
import { CertificateError, listen } from "../front/index.ts";
import type { Result } from "../kernel/index.ts";
import { LuaScriptError } from "../lua/index.ts";
import { createLogger, openAuditFile } from "../telemetry/index.ts";
import { type CommandEnvironment, EXIT, type ExitCode } from "./output.ts";

/** Milliseconds running requests have to finish after a stop signal. */
const STOP_DEADLINE = 10_000;

/** Serves a checked configuration until a stop signal comes. `started` runs once every address is open. */
export async function serve(
  { config, poll }: { readonly config: Config; readonly poll?: ConfigWatch["poll"] },
  io: CommandEnvironment,
  started: () => Promise<Result<() => Promise<void>, string>>,
): Promise<ExitCode> {
  const world = realWorld();
  const { log, audit } = config.observability;
  const logger = createLogger({ ...log, write: io.write });
  let idp: Awaited<ReturnType<typeof composeIdp>>;
  try {
    idp = await composeIdp({
      config,
      world,
      logger,
      environment: io.environment,
      ...(poll === undefined ? {} : { poll }),
      ...(audit.file === undefined ? {} : { auditSink: openAuditFile(audit.file) }),
    });
  } catch (error) {
    if (error instanceof LuaScriptError || error instanceof SealingKeyError || error instanceof CertificateError) {
      io.writeError(`${error.message}\n`);
      return EXIT.refused;
    }
    throw error;
  }
  const opened = await listen(idp.handler, config.server.listen, idp.front);
  if (!opened.ok) {
    io.writeError(`${opened.problem.message}\n`);
    await idp.close();
    return EXIT.failed;
  }
  const signals = stopSignals(poll !== undefined);
  const companions = await started();
  if (companions.ok) await signals.stop;
  else io.writeError(`${companions.problem}\n`);
  idp.drain();
  if (companions.ok) await companions.value();
  void signals.hurry.then(() => idp.front.connections.endAll());
  await opened.value.close(STOP_DEADLINE);
  await idp.close();
  return companions.ok ? EXIT.fine : EXIT.failed;
}

interface Signals {
  /** The program is to stop. */
  readonly stop: Promise<void>;
  /** It was told so twice. */
  readonly hurry: Promise<void>;
}

/** SIGHUP says that files changed, which is seen without it; where none is read again, a terminal was closed. */
function stopSignals(readsAgain: boolean): Signals {
  const told = Promise.withResolvers<void>();
  const toldAgain = Promise.withResolvers<void>();
  let count = 0;
  const onStop = (): void => {
    count += 1;
    (count === 1 ? told : toldAgain).resolve();
  };
  process.on("SIGTERM", onStop).on("SIGINT", onStop);
  process.on("SIGHUP", readsAgain ? () => undefined : onStop);
  return { stop: told.promise, hurry: toldAgain.promise };
}
