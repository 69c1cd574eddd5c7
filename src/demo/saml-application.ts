// A small SAML service provider of its own process, the counterpart of the OpenID Connect one: it shows who signed in and what it was told,
// and takes part in single logout.
import type { IncomingMessage, ServerResponse } from "node:http";
import { callbackify } from "node:util";
import { type Profile, SAML, ValidateInResponseTo } from "@node-saml/node-saml";
import { assertionPage, errorPage, welcomePage } from "./application-pages.ts";
import { bodyOf, html, type Place, redirect, serveAt, sessionOf } from "./web.ts";

export interface SamlDemoOptions extends Place {
  readonly issuer: string;
  /** Its own key and certificate, PEM. */
  readonly key: { readonly privateKey: string; readonly certificate: string };
  /** Address of the other demo application. */
  readonly other?: string;
}

interface DemoSession {
  profile?: Profile;
}

const TITLE = "SAML demo application";
const COOKIE = "demo_saml";

/** Serves the SAML demo application until the returned function is called. */
export async function serveSamlDemo(options: SamlDemoOptions): Promise<() => Promise<void>> {
  const { issuer, origin, key } = options;
  const saml = new SAML({
    issuer: `${origin}/metadata`,
    callbackUrl: `${origin}/acs`,
    entryPoint: `${issuer}/saml/sso`,
    logoutUrl: `${issuer}/saml/slo`,
    idpIssuer: `${issuer}/saml/metadata`,
    // Read when it is needed, so that a new certificate of the provider is noticed.
    idpCert: (done) => callbackify(() => certificates(issuer))(done),
    privateKey: key.privateKey,
    publicCert: key.certificate,
    signatureAlgorithm: "sha256",
    digestAlgorithm: "sha256",
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    wantAuthnResponseSigned: true,
    wantAssertionsSigned: true,
    validateInResponseTo: ValidateInResponseTo.always,
  });
  const sessions = new Map<string, DemoSession>();
  return serveAt(options, (req, res) => answer({ req, res, saml, options, sessions }));
}

/** Every signing certificate in the provider's metadata. */
async function certificates(issuer: string): Promise<string[]> {
  const metadata = await (await fetch(`${issuer}/saml/metadata`)).text();
  const descriptor = metadata.slice(metadata.indexOf("IDPSSODescriptor"));
  return [...descriptor.matchAll(/<ds:X509Certificate>([^<]+)</g)].map(([, body = ""]) => body);
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly saml: SAML;
  readonly options: SamlDemoOptions;
  readonly sessions: Map<string, DemoSession>;
}

async function answer(exchange: Exchange): Promise<void> {
  const { req, res, saml, options, sessions } = exchange;
  const url = new URL(req.url ?? "/", options.origin);
  switch (`${req.method} ${url.pathname}`) {
    case "GET /":
      return show(exchange);
    case "GET /login":
      return redirect(res, await saml.getAuthorizeUrlAsync("", undefined, {}));
    case "POST /acs":
      return consume(exchange);
    case "GET /logout": {
      const session = sessionOf(COOKIE, sessions, req, res);
      const { profile } = session;
      delete session.profile;
      return redirect(res, profile === undefined ? "/" : await saml.getLogoutUrlAsync(profile, "", {}));
    }
    case "GET /slo":
      return singleLogout(exchange, url);
    case "GET /metadata":
      res
        .writeHead(200, { "Content-Type": "application/samlmetadata+xml" })
        .end(saml.generateServiceProviderMetadata(null, options.key.certificate));
      return;
    default:
      return html(res, 404, errorPage("There is no page here."));
  }
}

function show({ req, res, options, sessions }: Exchange): void {
  const { profile } = sessionOf(COOKIE, sessions, req, res);
  if (profile === undefined) return html(res, 200, welcomePage(options.other, TITLE));
  const { issuer, nameID, nameIDFormat, sessionIndex } = profile;
  const attributes = (profile["attributes"] ?? {}) as Record<string, unknown>;
  const shown = attributes["urn:oid:2.16.840.1.113730.3.1.241"];
  const person = {
    name: typeof shown === "string" ? shown : nameID,
    attributes,
    subject: { NameID: nameID, Format: nameIDFormat },
    session: { Issuer: issuer, SessionIndex: sessionIndex },
  };
  html(res, 200, assertionPage(person, options.other));
}

/** The answer comes as a cross-site POST, without our cookie: the session begins here, with a new one. */
async function consume({ req, res, saml, sessions }: Exchange): Promise<void> {
  const form = new URLSearchParams(await bodyOf(req));
  const response = form.get("SAMLResponse") ?? "";
  let profile: Profile | null;
  try {
    ({ profile } = await saml.validatePostResponseAsync({ SAMLResponse: response }));
  } catch {
    return html(res, 200, errorPage("The sign-in was cancelled or could not be verified."));
  }
  if (profile === null) return redirect(res, "/");
  delete req.headers.cookie;
  sessionOf(COOKIE, sessions, req, res).profile = profile;
  redirect(res, "/");
}

/** The provider asks to end a session, or says that it did. */
async function singleLogout({ res, saml, sessions }: Exchange, url: URL): Promise<void> {
  const { profile } = await saml.validateRedirectAsync(Object.fromEntries(url.searchParams), url.search.slice(1));
  if (!url.searchParams.has("SAMLRequest") || profile === null) return redirect(res, "/");
  for (const session of sessions.values()) if (session.profile?.nameID === profile.nameID) delete session.profile;
  redirect(res, await saml.getLogoutResponseUrlAsync(profile, url.searchParams.get("RelayState") ?? "", {}, true));
}
