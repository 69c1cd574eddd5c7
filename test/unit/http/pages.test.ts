import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { escapeHtml } from "../../../src/http/html.ts";
import { brandCss, createPages, loadAssets } from "../../../src/http/index.ts";
import { CONSENT, FAILED, LOGIN, PAGE_STATES } from "./page-states.ts";
import { type PageState, WHO } from "./state.ts";

const assets = loadAssets("public", { "brand.css": brandCss("#2f5bd0") });
const pages = createPages({
  viewsRoot: "views",
  assets,
  ui: { product: "Example ID", languages: ["en", "de"] },
  links: { help: undefined },
});
const HOSTILE = `"><script>alert(1)</script><b onclick='x'>&amp;</b>\u202Eevil`;

const draw = (state: PageState, lang = "en"): string =>
  pages.render({ url: "/p", uiLocales: lang }, state.name, state.model);
const count = (html: string, pattern: RegExp): number => [...html.matchAll(pattern)].length;

for (const lang of ["en", "de"]) {
  suite(`pages in ${lang}`, () => {
    for (const state of PAGE_STATES) {
      test(`${state.state} has one heading, one main part, a title and its language`, () => {
        const html = draw(state, lang);
        assert.equal(count(html, /<h1[ >]/g), 1);
        assert.equal(count(html, /<main /g), 1);
        assert.match(html, new RegExp(`^<!doctype html>\\s*<html lang="${lang}" dir="ltr">`));
        assert.match(html, /<title>[^<]+ – Example ID<\/title>/);
        assert.doesNotMatch(html, /undefined|\[object|[\uE000\uE001]|\{[a-z]+\}|&lt;\/?b&gt;/);
      });
    }
  });
}

test("every character that could end a text or an attribute is escaped", () => {
  assert.equal(escapeHtml(`<>&"'`), "&lt;&gt;&amp;&#34;&#39;");
  for (const missing of [undefined, null, {}, []]) assert.throws(() => escapeHtml(missing));
});

test("a hostile name of an application or a person is text wherever it stands", () => {
  const who = { name: HOSTILE, account: HOSTILE, switchHref: undefined };
  const item = { scope: HOSTILE, title: HOSTILE, value: HOSTILE };
  const form = { action: "/x", csrf: "t", app: HOSTILE, who };
  const states: readonly PageState[] = [
    { state: "login", name: "login/password", model: { ...LOGIN, app: HOSTILE, username: HOSTILE } },
    {
      state: "note",
      name: "login/password",
      model: { ...LOGIN, note: { tone: "info", title: HOSTILE, text: HOSTILE } },
    },
    { state: "account", name: "login/account", model: form },
    { state: "refused", name: "login/refused", model: form },
    { state: "handoff", name: "login/handoff", model: { app: HOSTILE, href: `/x?a=${HOSTILE}` } },
    {
      state: "consent",
      name: "login/consent",
      model: {
        ...CONSENT,
        ...form,
        host: HOSTILE,
        required: [item],
        optional: [{ ...item, checked: true }],
        granted: [item],
      },
    },
    {
      state: "device",
      name: "device/code",
      model: { action: "/x", csrf: "t", value: HOSTILE, isWrong: false, wait: undefined },
    },
    { state: "connect", name: "device/confirm", model: { ...form, code: HOSTILE, address: HOSTILE } },
    { state: "connected", name: "device/done", model: { app: HOSTILE, isConnected: true } },
    { state: "logout", name: "logout/confirm", model: { action: "/x", csrf: "t", who, apps: [HOSTILE] } },
    { state: "done", name: "logout/done", model: { appHref: "/x", app: HOSTILE } },
    { state: "error", name: "error", model: { ...FAILED, app: HOSTILE, code: HOSTILE, reference: HOSTILE } },
  ];
  for (const state of states) {
    const html = draw(state);
    assert.ok(html.includes("&lt;script&gt;alert(1)"), state.state);
    assert.ok(!html.includes(`"&gt;&lt;script`), state.state);
    assert.doesNotMatch(html, /<script>|<b onclick|alert\(1\)"/, state.state);
    assert.doesNotMatch(html.replaceAll(/"[^"]*"/g, '""'), / onclick='/, state.state);
  }
});

test("a name in a sentence is isolated, so that its script cannot turn the sentence around", () => {
  const html = draw({
    state: "x",
    name: "login/account",
    model: { action: "/x", csrf: "t", app: "a", who: { ...WHO, name: "أميرة" } },
  });
  assert.match(html, /Continue as <bdi>أميرة<\/bdi>/);
  assert.match(html, /to continue to <b><bdi>a<\/bdi><\/b>/);
});

test("a name that looks like a place holder or a text's markup stays what it is", () => {
  const app = "\uE0000\uE001 {app} <b>x</b>";
  const html = draw({ state: "x", name: "login/handoff", model: { app, href: "/x" } });
  assert.ok(html.includes("<bdi>\uE0000\uE001 {app} &lt;b&gt;x&lt;/b&gt;</bdi>"));
});

test("a value that is missing at run time is an error instead of an empty place", () => {
  const model = { ...CONSENT, action: undefined } as unknown as typeof CONSENT;
  assert.throws(() => pages.render({ url: "/" }, "login/consent", model), /not there/);
});

test("the title says Error when and only when something went wrong", () => {
  for (const state of PAGE_STATES) {
    const wrong = state.name === "error" || /failed|throttled|wrong/.test(state.state);
    assert.equal(draw(state).includes("<title>Error: "), wrong, state.state);
  }
});

test("after a failed sign-in the password has the focus, is described by the message and is empty", () => {
  const html = draw({
    state: "x",
    name: "login/password",
    model: { ...LOGIN, username: "editor", invalid: true, note: { tone: "danger", title: "No.", text: "Try again." } },
  });
  const password = /<input id="password"[^>]*>/.exec(html)?.[0] ?? "";
  assert.match(password, / autofocus /);
  assert.match(password, /aria-invalid="true" aria-describedby="form-note password-status"/);
  assert.doesNotMatch(password, /value=/);
  assert.match(html, /<input id="username"[^>]* value="editor"/);
  assert.equal(count(html, / autofocus/g), 1);
});

test("password managers find the same fields on every form that asks for a password", () => {
  for (const model of [LOGIN, { ...LOGIN, username: "editor", readonlyUsername: true, switchAccount: true }]) {
    const html = draw({ state: "x", name: "login/password", model });
    assert.match(html, /name="username" type="text"[^>]* autocomplete="username webauthn"/);
    assert.match(html, /name="password" type="password" autocomplete="current-password"/);
    assert.doesNotMatch(html, /autocomplete="off"/);
  }
});

test("the first submit button of the sign-in form signs in, so that Enter does not cancel", () => {
  const html = draw({ state: "x", name: "login/password", model: { ...LOGIN, switchAccount: true } });
  const buttons = [...html.matchAll(/<button type="submit"[^>]*>/g)].map(([tag]) => tag);
  assert.equal(buttons.length, 3);
  assert.match(buttons[0] ?? "", /class="primary"/);
  assert.match(buttons[2] ?? "", /value="cancel"/);
});

test("optional scopes are boxes named after the scope and ticked only where they were granted before", () => {
  const html = draw({ state: "x", name: "login/consent", model: CONSENT });
  assert.match(html, /name="scope\.groups" value="on">/);
  assert.match(html, /name="scope\.offline_access" value="on" checked>/);
});

test("the hand-off page goes on by itself without a script and offers a link", () => {
  const html = draw({
    state: "x",
    name: "login/handoff",
    model: { app: undefined, href: "/oidc/authorize/a?b=1&c=2" },
  });
  assert.match(html, /<meta http-equiv="refresh" content="0;url=\/oidc\/authorize\/a\?b=1&amp;c=2">/);
  assert.match(html, /<a class="button primary" href="\/oidc\/authorize\/a\?b=1&amp;c=2">/);
});

test("a page whose address carries a query offers no language links, which would repeat it", () => {
  const withQuery = pages.render({ url: "/oidc/authorize?client_id=x" }, "error", FAILED);
  assert.doesNotMatch(withQuery, /client_id|hreflang/);
  assert.match(pages.render({ url: "/p?ui_locales=en" }, "error", FAILED), /href="\?ui_locales=de" lang="de"/);
});
