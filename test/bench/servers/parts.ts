/** What both servers of the comparison share. */
export const CLIENT = {
  client_id: "bench",
  client_secret: "a-secret-of-the-bench-application",
  redirect_uri: "http://127.0.0.1:9/callback",
} as const;

/** A backend that needs no hash. */
export const SCRIPT = `
function nauthilus_backend_verify_password(request)
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "right")
  b:account_field("account")
  b:display_name_field("name")
  b:attributes({ account = request.username, name = "Name", mail = "demo@example.org" })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`;

/** YAML below `oidc:`. */
export const CLIENTS = `  clients:
    - { client_id: ${CLIENT.client_id}, client_secret: ${CLIENT.client_secret}, redirect_uris: ["${CLIENT.redirect_uri}"], grant_types: [authorization_code, refresh_token], skip_consent: true }`;

/** Nothing is throttled, everything else is as operators have it. */
export const MORE = "login: { throttle: { account: 1000000/1h, address: 1000000/1h, surge: 1000000/1h } }";

/** Log and audit lines are made and go nowhere. */
export const logTo = (): void => undefined;

export function benchConfig(issuer: string, port: number): string {
  return `issuer: ${issuer}
server: { listen: [{ host: 127.0.0.1, port: ${port} }] }
store: "sqlite:./moonlatch.db"
lua: { backends: [{ name: default, script: ./backend.lua }] }
oidc:
${CLIENTS}
${MORE}
`;
}

/** Tells the parent where the server is, and answers its questions: CPU used so far (microseconds), heap in use after a collection (bytes). */
export function answerParent(issuer: string): void {
  process.send?.({ issuer });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    // There with `--expose-gc`.
    globalThis.gc?.();
    process.send?.({ cpu: user + system, heap: process.memoryUsage().heapUsed });
  });
  process.once("disconnect", () => process.exit(0));
}
