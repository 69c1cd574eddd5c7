import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codesOn } from "../support/factors.ts";
import { sweepAt } from "../support/fault-sweep.ts";
import { type Answer, CODES, SECRET, type Trip, trip, want } from "../support/faulty-idp.ts";
import { idpCertificate } from "../support/saml/journey.ts";
import { nodeSamlSp } from "../support/saml/service-provider.ts";

const won = ({ witness }: Trip): number =>
  witness.answers.filter(({ url, status }) => url.endsWith("/oidc/token") && status === 200).length;

// Two at a time: while one waits for its backend, the other goes on.
describe("whatever call of the store fails", { concurrency: 2 }, () => {
  it("signing in by password ends in tokens or in a wait, and a code is redeemed once", (t) =>
    sweepAt(t, ({ authorize, oidc, password, tokens }) => ({
      people: "plain",
      needs: ["password"],
      endsIn: true,
      run: async (one) => void (await tokens(one, await password(one, authorize))),
      async after(one) {
        const code = one.sent.get("code");
        if (code === undefined) return;
        for (let tries = 0; tries < 2; tries += 1) await one.witness.api(() => oidc.redeem(code));
        assert.ok(won(one) <= 1, "an authorization code was good twice");
      },
    })));

  it("a code of an authenticator app is good once", (t) =>
    sweepAt(t, (steps) => ({
      people: "enrolled",
      needs: ["password", "totp"],
      endsIn: true,
      delayEvery: 1,
      // Read again, as a hint, after the code was accepted.
      spares: /^get factor\.last$/,
      async run(one) {
        const page = await steps.password(one, steps.authorize);
        await steps.grant(one, await steps.prove(one, page, "totp", steps.code()));
      },
      after: (one) => steps.goodOnce(one, "totp"),
    })));

  it("a recovery code is good once, and all others stay", (t) =>
    sweepAt(t, (steps) => {
      const known = new Set<string>();
      return {
        people: "enrolled",
        needs: ["password", "recovery"],
        endsIn: true,
        async run(one) {
          const page = await steps.password(one, "/account");
          const code = CODES.at(known.has(one.user) ? -1 : 0) ?? "";
          known.add(one.user);
          const home = await steps.prove(one, page, "recovery", code);
          want(new URL(home.location ?? home.url).pathname === "/account", home);
        },
        async after(one) {
          await steps.goodOnce(one, "recovery");
          await steps.password(trip(one.user), "/account");
          const { totp, codes } = steps.kept(one.user);
          assert.equal(totp, SECRET);
          const isUsed = one.sent.has("recovery") && codes !== CODES.join();
          assert.equal(codes, (isUsed ? CODES.slice(1) : CODES).join(), "codes were lost");
        },
      };
    }));

  it("a wrong code signs nobody in", (t) =>
    sweepAt(t, ({ authorize, land, password, prove }) => ({
      people: "enrolled",
      needs: ["nothing"],
      endsIn: false,
      async run(one) {
        const page = await land(one, await prove(one, await password(one, authorize), "totp", "000000"));
        want(/That code is not right/.test(page.body) && page.status === 200, page);
      },
    })));

  it("setting up an authenticator app and recovery codes leaves the old or the new state", (t) =>
    sweepAt(t, ({ code, kept, land, next, open, password, prove }) => ({
      people: "plain",
      needs: ["password"],
      endsIn: true,
      async prepare(one) {
        const page = await password(one, "/account");
        const { totp } = kept(one.user);
        const home = totp === "" ? page : await land(one, await prove(one, page, "totp", code(totp)));
        want(/Hello, <bdi>/.test(home.body), home);
      },
      async run(one) {
        const before = kept(one.user);
        const setup = await open(one, "/account/methods/totp");
        const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/.exec(setup.body)?.[1]?.replaceAll(" ", "") ?? "";
        want(secret !== "", setup);
        one.sent.set("secret", secret);
        one.sent.set("confirmed by", code(secret));
        const shown = await next(one, setup, { code: code(secret) });
        const codes = codesOn(shown);
        // Who has codes already keeps them.
        want(shown.status === 200 && codes.length === (before.codes === "" ? 10 : 0), shown);
        if (codes.length === 0) return;
        one.sent.set("codes", codes.join());
        const done = await next(one, shown, { saved: "on" });
        want(/Your recovery codes are saved/.test(done.body), done);
      },
      async after({ user, sent }, finished) {
        const other = trip(user);
        const page = await password(other, "/account");
        const { totp, codes } = kept(user);
        assert.ok(totp === "" || totp === sent.get("secret"), "the stored secret is another one");
        assert.ok(codes === "" || codes === sent.get("codes"), "the stored codes are other ones");
        assert.ok(codes === "" || totp !== "", "there are codes without a factor");
        if (finished) assert.deepEqual([totp, codes], [sent.get("secret"), sent.get("codes")]);
        if (totp === "") return;
        const again = await land(other, await prove(other, page, "totp", sent.get("confirmed by") ?? ""));
        assert.match(again.body, /That code was already used/, "the code that confirmed the app was good twice");
      },
    })));

  it("regenerating recovery codes leaves the old list or the new one", (t) =>
    sweepAt(t, ({ code, kept, land, next, open, password, prove }) => ({
      people: "enrolled",
      needs: [],
      endsIn: true,
      async prepare(one) {
        const page = await password(one, "/account");
        const home = await land(one, await prove(one, page, "totp", code()));
        want(/Hello, <bdi>/.test(home.body), home);
      },
      async run(one) {
        const shown = await open(one, "/account/methods/codes");
        const codes = codesOn(shown);
        want(codes.length === 10, shown);
        one.sent.set("codes", codes.join());
        const done = await next(one, shown, { saved: "on" });
        want(/Your recovery codes are saved/.test(done.body), done);
      },
      async after({ user, sent }, finished) {
        await password(trip(user), "/account");
        const { totp, codes } = kept(user);
        assert.equal(totp, SECRET);
        const known = [sent.get("codes"), ...(finished ? [] : [CODES.join()])];
        assert.ok(known.includes(codes), "the stored codes are neither the old nor the new ones");
      },
    })));

  it("a refresh token is good once", (t) =>
    sweepAt(t, ({ oidc, next, passOn, password, tokens, use }) => {
      const refresh = ({ witness, sent }: Trip): Promise<Answer> =>
        witness.api(() => oidc.token({ grant_type: "refresh_token", refresh_token: sent.get("first") ?? "" }));
      return {
        people: "plain",
        needs: [],
        endsIn: true,
        async prepare(one) {
          const url = oidc.authorizeUrl("app", { scope: "openid offline_access", prompt: "consent" });
          const consent = await passOn(one, await password(one, url));
          const got = await tokens(one, await next(one, consent, { decision: "allow", "scope.offline_access": "on" }));
          one.sent.set("first", got["refresh_token"] ?? "");
        },
        run: async (one) => void (await use(one, await refresh(one))),
        async after(one) {
          for (let tries = 0; tries < 2; tries += 1) await refresh(one);
          assert.ok(won(one) <= 2, "a refresh token was good twice");
        },
      };
    }));

  it("a SAML request is answered once", (t) =>
    sweepAt(
      t,
      async ({ open, passOn, password }, idp) => {
        const sp = await nodeSamlSp({ issuer: idp.issuer, idpCertificate: await idpCertificate(idp.issuer) });
        return {
          people: "plain",
          needs: ["password"],
          endsIn: true,
          async run(one) {
            one.sent.set("request", await sp.loginUrl());
            const page = await passOn(one, await password(one, one.sent.get("request") ?? ""));
            want(page.field("SAMLResponse") !== "", page);
            assert.equal((await sp.profileOf(page.field("SAMLResponse"))).issuer, `${idp.issuer}/saml/metadata`);
          },
          async after(one) {
            const shown = one.witness.answers.filter(({ url }) => url.endsWith("/response"));
            for (const url of [one.sent.get("request") ?? "", ...shown.map((answer) => answer.url)])
              await open(one, url);
            const responses = one.witness.answers.filter(({ body }) => body.includes('name="SAMLResponse"'));
            assert.ok(responses.length <= 1, "a request was answered twice");
          },
        };
      },
      true,
    ));

  it("a sign-out ends the session and its tokens, at the latest when it is tried again", (t) =>
    sweepAt(
      t,
      async ({ authorize, isIn, open, passOn, password, tokens, userinfo }, idp) => {
        const sp = await nodeSamlSp({
          issuer: idp.issuer,
          idpCertificate: await idpCertificate(idp.issuer),
        });
        const leave = async (one: Trip, hint: string): Promise<void> => {
          const page = await open(one, `/oidc/logout${hint}`);
          want(page.status === 200, page);
          const xsrf = page.field("xsrf");
          if (xsrf === "") return;
          const left = await one.witness.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf, logout: "yes" });
          const told = await passOn(one, left);
          want(told.status === 200, told);
        };
        return {
          people: "plain",
          needs: [],
          endsIn: false,
          // Whose sign-out it was, for the audit trail; and where it leads when the provider was told.
          spares: /^(?:get identity|put saml\.logout)$/,
          async prepare(one) {
            await tokens(one, await password(one, authorize));
            const page = await open(one, await sp.loginUrl());
            want(page.field("SAMLResponse") !== "", page);
          },
          run: (one) => leave(one, `?id_token_hint=${one.sent.get("id_token")}`),
          async after(one) {
            await leave(one, "");
            assert.equal(await isIn(one), false, "signed in after a sign-out that was tried again");
            const told = await userinfo(one.witness, one.sent.get("access_token") ?? "");
            assert.equal(told.status, 401, "an access token outlived the sign-out");
            const asked = one.witness.answers.some(({ body }) => body.includes(`${sp.slo}?SAMLRequest=`));
            assert.ok(asked, "a provider never heard of the sign-out");
          },
        };
      },
      true,
    ));
});
