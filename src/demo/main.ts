// Entry of a demo application's own process. Takes its options as one JSON value through the environment of its parent.
import { serveDemoApplication } from "./application.ts";
import { serveSamlDemo } from "./saml-application.ts";

type Options =
  | ({ readonly protocol: "oidc" } & Parameters<typeof serveDemoApplication>[0])
  | ({ readonly protocol: "saml" } & Parameters<typeof serveSamlDemo>[0]);

const options = JSON.parse(process.env["MOONLATCH_DEMO"] ?? "{}") as Options;
try {
  const close = await (options.protocol === "saml" ? serveSamlDemo(options) : serveDemoApplication(options));
  process.send?.("ready");
  const stop = () => void close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.once("disconnect", stop);
} catch (error) {
  const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const reason = isTaken
    ? `Port ${options.port} on ${options.host} is taken by another program. Stop that program and try again.`
    : `The demo application could not start: ${error instanceof Error ? error.message : "unknown reason"}`;
  process.send?.(reason, () => process.exit(1));
}
