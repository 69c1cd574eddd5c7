import type { TokenEndpointResponse, TokenEndpointResponseHelpers, UserInfoResponse } from "openid-client";

const STYLE = `
:root{color-scheme:light dark;--bg:#f4f2ee;--card:#fff;--text:#1c1a17;--muted:#5d574e;--line:#e2ddd4;--accent:#0f6b5c}
@media(prefers-color-scheme:dark){:root{--bg:#131512;--card:#1d201c;--text:#eef0ec;--muted:#aab0a6;--line:#333830;--accent:#6fd0bd}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-inline-size:46rem;margin:0 auto;padding:2.5rem 1rem}h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.1rem;margin-block:0 .75rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem;margin-block:1rem}
p.lede{color:var(--muted)}a.button{display:inline-block;padding:.65rem 1.1rem;border-radius:.6rem;border:1px solid var(--accent);color:var(--accent);text-decoration:none;font-weight:600;margin-inline-end:.5rem;margin-block:.25rem}
a.primary{background:var(--accent);color:var(--card)}table{inline-size:100%;border-collapse:collapse}th,td{text-align:start;vertical-align:top;padding:.4rem .5rem .4rem 0;border-block-start:1px solid var(--line);overflow-wrap:anywhere}
th{inline-size:34%;font-weight:600;color:var(--muted)}code{font-size:.875rem;overflow-wrap:anywhere}`;

/** For a visitor who has not signed in. */
export function welcomePage(other: string | undefined, title = "Demo application"): string {
  return page(
    title,
    `<h1>${escape(title)}</h1><p class="lede">A small application that lets the identity provider sign people in. It shows what it was told.</p>
<p><a class="button primary" href="/login">Sign in</a>${otherLink(other)}</p>`,
  );
}

/** Who signed in, and everything the application was told. */
export function identityPage(
  { tokens, userinfo }: { tokens: TokenEndpointResponse & TokenEndpointResponseHelpers; userinfo: UserInfoResponse },
  other: string | undefined,
): string {
  const name = typeof userinfo["name"] === "string" ? userinfo["name"] : userinfo.sub;
  const rest = {
    token_type: tokens.token_type,
    expires_in: tokens.expires_in,
    scope: tokens.scope,
    access_token: `opaque, ${tokens.access_token.length} characters`,
    refresh_token: tokens.refresh_token === undefined ? "none" : `opaque, ${tokens.refresh_token.length} characters`,
  };
  return page(
    "Signed in – Demo application",
    `<h1>Hello, <bdi>${escape(name)}</bdi></h1>
<p><a class="button primary" href="/logout">Sign out</a><a class="button" href="/refresh">Refresh tokens</a>${otherLink(other)}</p>
${table("What userinfo says", userinfo)}${table("What the ID token says", tokens.claims() ?? {})}${table("The token answer", rest)}`,
  );
}

/** Who signed in by SAML, and everything the application was told. */
export function assertionPage(
  person: { name: string; subject: object; attributes: object; session: object },
  other: string | undefined,
): string {
  return page(
    "Signed in – SAML demo application",
    `<h1>Hello, <bdi>${escape(person.name)}</bdi></h1>
<p><a class="button primary" href="/logout">Sign out</a>${otherLink(other)}</p>
${table("What the attributes say", person.attributes)}${table("Who the assertion is about", person.subject)}${table("How and when", person.session)}`,
  );
}

function otherLink(other: string | undefined): string {
  return other === undefined ? "" : `<a class="button" href="${escape(other)}">The other demo application</a>`;
}

export function errorPage(sentence: string): string {
  return page(
    "Demo application",
    `<h1>Demo application</h1><p>${escape(sentence)}</p><p><a class="button primary" href="/">Back to the start</a></p>`,
  );
}

function table(title: string, facts: object): string {
  const rows = Object.entries(facts).map(
    ([name, value]) => `<tr><th scope="row">${escape(name)}</th><td><code>${escape(show(value))}</code></td></tr>`,
  );
  return `<section><h2>${escape(title)}</h2><table>${rows.join("")}</table></section>`;
}

function show(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`;
}
