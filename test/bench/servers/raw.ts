// oidc-provider behind Express with a plain JavaScript account, on the same SQLite store through the same adapter.
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { Provider } from "oidc-provider";
import { realWorld } from "../../../src/app/index.ts";
import { openKeyRing } from "../../../src/keys/index.ts";
import { createAdapterFactory } from "../../../src/oidc/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { answerParent, CLIENT } from "./parts.ts";

const world = realWorld();
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "moonlatch-bench-"));
const store = await openStore(`sqlite:${join(folder, "raw.db")}`, world);
const keys = await openKeyRing({ store, world });
const client = {
  client_id: CLIENT.client_id,
  client_secret: CLIENT.client_secret,
  redirect_uris: [CLIENT.redirect_uri],
  grant_types: ["authorization_code", "refresh_token"],
};

const app = express();
const server = createServer(app);
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
const provider = new Provider(issuer, {
  adapter: createAdapterFactory({
    store,
    clients: { metadata: (id) => (id === client.client_id ? client : undefined) },
    clock: world.clock,
  }),
  jwks: { keys: [...keys.jwks.keys] },
  cookies: { keys: [...keys.cookieKeys] },
  claims: { openid: ["sub", "acr", "amr", "auth_time"], profile: ["name"], email: ["email"] },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: "Name", email: "demo@example.org" }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
  },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 60,
    IdToken: 3600,
    RefreshToken: 86_400,
    Grant: 86_400,
    Interaction: 1800,
    Session: 86_400,
  },
  async loadExistingGrant(ctx) {
    const id = ctx.oidc.session?.grantIdFor(CLIENT.client_id);
    if (id !== undefined) return ctx.oidc.provider.Grant.find(id);
    const grant = new ctx.oidc.provider.Grant({
      accountId: ctx.oidc.session?.accountId ?? "",
      clientId: CLIENT.client_id,
    });
    grant.addOIDCScope("openid profile email offline_access");
    await grant.save();
    return grant;
  },
});
app.get("/interaction/:uid", async (req, res) => {
  const { uid } = await provider.interactionDetails(req, res);
  res
    .type("html")
    .send(
      `<form method="post" action="/interaction/${uid}"><input name="csrf" value="x"><input name="username"><input name="password"></form>`,
    );
});
app.post("/interaction/:uid", express.urlencoded({ extended: false }), async (req, res) => {
  const { username } = req.body as { username: string };
  await provider.interactionFinished(req, res, { login: { accountId: username } });
});
app.use(provider.callback());
answerParent(issuer);
