/** What both servers of the comparison share. */
export const CLIENT = {
  client_id: "bench",
  client_secret: "a-secret-of-the-bench-application",
  redirect_uri: "http://127.0.0.1:9/callback",
} as const;

/** Tells the parent where the server is, and answers its questions about CPU used so far (microseconds). */
export function answerParent(issuer: string): void {
  process.send?.({ issuer });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpu: user + system });
  });
  process.once("disconnect", () => process.exit(0));
}
