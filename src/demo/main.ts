// Entry of the demo application's own process. Takes its options as one JSON argument through the environment of its parent.
import { serveDemoApplication } from "./application.ts";

const options = JSON.parse(process.env["MOONLATCH_DEMO"] ?? "{}") as Parameters<typeof serveDemoApplication>[0];
try {
  const close = await serveDemoApplication(options);
  process.send?.("ready");
  const stop = () => void close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.once("disconnect", stop);
} catch (error) {
  process.stderr.write(`demo application: ${error instanceof Error ? error.message : "could not start"}\n`);
  process.exit(1);
}
