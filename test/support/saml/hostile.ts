import { deflateRawSync } from "node:zlib";
import type { SamlKey } from "../../../src/keys/index.ts";
import { authnRequest, postBody, redirectQuery, type Wanted } from "./messages.ts";

/** One message as it goes over the wire. */
export interface Hostile {
  readonly attackClass: string;
  readonly name: string;
  readonly binding: "redirect" | "post";
  /** Query of a GET, or body of a POST. */
  readonly payload: string;
  readonly query?: string;
  readonly contentType?: string;
}

export interface Target {
  readonly destination: string;
  /** Takes unsigned requests; has a certificate. */
  readonly open: { readonly entityId: string; readonly acs: string; readonly key: SamlKey };
  /** Demands signatures. */
  readonly strict: { readonly entityId: string; readonly acs: string; readonly key: SamlKey };
  readonly attacker: SamlKey;
}

type Change = (xml: string) => string;

export const both = (attackClass: string, name: string, xml: string | Buffer): Hostile[] => [
  { attackClass, name, binding: "redirect", payload: redirectQuery(xml) },
  { attackClass, name, binding: "post", payload: postBody(xml) },
];

function table(attackClass: string, base: () => string, changes: Readonly<Record<string, Change>>): Hostile[] {
  return Object.entries(changes).flatMap(([name, change]) => both(attackClass, name, change(base())));
}

/** DTDs, entities, and everything else that is more than tags and text. */
export function markup({ open, destination }: Target, trap: string): Hostile[] {
  const base = () => authnRequest({ issuer: open.entityId, destination });
  const inside = (issuer: string) =>
    authnRequest({ issuer: "", destination, issuerMarkup: `<saml:Issuer>${issuer}</saml:Issuer>` });
  const laughs = Array.from({ length: 9 }, (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`).join(
    "",
  );
  return [
    ...table("xxe", base, {
      "an entity of a local file": () => `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${inside("&x;")}`,
      "an entity of an address": () => `<!DOCTYPE r [<!ENTITY x SYSTEM "${trap}/entity">]>${inside("&x;")}`,
      "a parameter entity": (xml) => `<!DOCTYPE r [<!ENTITY % p SYSTEM "${trap}/parameter"> %p;]>${xml}`,
      "an external document type": (xml) => `<!DOCTYPE r SYSTEM "${trap}/dtd">${xml}`,
      "a public document type": (xml) => `<!DOCTYPE r PUBLIC "-//X//Y" "${trap}/public">${xml}`,
      "a stylesheet instruction": (xml) => `<?xml-stylesheet type="text/xsl" href="${trap}/style"?>${xml}`,
      "a schema location": (xml) =>
        xml
          .replace(
            " ID=",
            ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x ${trap}/schema" ID=`,
          )
          .replace("</saml:Issuer>", "</saml:Issuer><x/>"),
      "an XInclude": (xml) =>
        xml.replace(
          "</samlp:AuthnRequest>",
          `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${trap}/include"/></samlp:AuthnRequest>`,
        ),
    }),
    ...table("entities", base, {
      "a billion laughs": () => `<!DOCTYPE r [<!ENTITY l0 "lol">${laughs}]>${inside("&l9;")}`,
      "one long entity many times": () =>
        `<!DOCTYPE r [<!ENTITY a "${"a".repeat(20_000)}">]>${inside("&a;".repeat(2_000))}`,
      "an entity of itself": () => `<!DOCTYPE r [<!ENTITY a "&b;"><!ENTITY b "&a;">]>${inside("&a;")}`,
      "an undeclared entity": () => inside(`${open.entityId}&nbsp;`),
      "an empty document type": (xml) => `<!DOCTYPE r>${xml}`,
      "a default attribute": (xml) => `<!DOCTYPE r [<!ATTLIST samlp:AuthnRequest ForceAuthn CDATA "true">]>${xml}`,
      "a NUL reference": () => inside(`${open.entityId}&#0;`),
      "a surrogate reference": () => inside(`${open.entityId}&#xD800;`),
    }),
    ...table("truncation", base, {
      "a comment in the Issuer": () => inside(`${open.entityId}<!-- -->.evil`),
      "a comment before the root": (xml) => `<!-- x -->${xml}`,
      "an instruction in the Issuer": () => inside(`${open.entityId}<?x?>`),
      "CDATA in the Issuer": () => inside(`<![CDATA[${open.entityId}]]>`),
      "an element in the Issuer": () => inside(`${open.entityId}<x/>`),
    }),
  ];
}

/** Small messages that cost much. */
export function floods({ open, destination }: Target): Hostile[] {
  const base = () => authnRequest({ issuer: open.entityId, destination });
  const filled =
    (content: string): Change =>
    (xml) =>
      xml.replace("</saml:Issuer>", `</saml:Issuer><samlp:Extensions>${content}</samlp:Extensions>`);
  const bomb = (bytes: number): Hostile => ({
    attackClass: "bombs",
    name: `${bytes / 1e6} MB of white space in some KB`,
    binding: "redirect",
    payload: `SAMLRequest=${encodeURIComponent(deflateRawSync(Buffer.alloc(bytes, 32)).toString("base64"))}`,
  });
  return [
    bomb(10e6),
    bomb(100e6),
    ...table("floods", base, {
      "20 000 empty elements": filled("<x/>".repeat(20_000)),
      "600 elements": filled("<x xmlns='urn:x'/>".repeat(600)),
      "10 000 levels": filled(`${"<x>".repeat(10_000)}${"</x>".repeat(10_000)}`),
      "30 levels": filled(`${'<x xmlns="urn:x">'.repeat(30)}${"</x>".repeat(30)}`),
      "5 000 attributes": filled(`<x ${Array.from({ length: 5_000 }, (_, index) => `a${index}=""`).join(" ")}/>`),
      "40 attributes": filled(
        `<x xmlns="urn:x" ${Array.from({ length: 40 }, (_, index) => `a${index}=""`).join(" ")}/>`,
      ),
      "2 000 namespaces": filled(
        `<x ${Array.from({ length: 2_000 }, (_, index) => `xmlns:n${index}="urn:${index}"`).join(" ")}/>`,
      ),
      "60 000 characters in a name": filled(`<${"x".repeat(60_000)}/>`),
      "70 KB of text": filled("x".repeat(70_000)),
      "3 000 comments": filled("<!---->".repeat(3_000)),
    }),
  ];
}

/** Wrong shapes, ages and places. */
export function malformed({ open, destination }: Target): Hostile[] {
  const base = () => authnRequest({ issuer: open.entityId, destination });
  const at =
    (instant: string): Change =>
    () =>
      authnRequest({ issuer: open.entityId, destination, instant });
  const instantOf = (offset: number): string => new Date(Date.now() + offset).toISOString();
  const to =
    (where: string): Change =>
    () =>
      authnRequest({ issuer: open.entityId, destination: where });
  const { origin, host } = new URL(destination);
  return [
    ...table("malformed", base, {
      "another root": (xml) => xml.replaceAll("AuthnRequest", "XAuthnRequestX"),
      "another namespace": (xml) => xml.replace(":protocol", ":protocolx"),
      "a Response as a request": (xml) => xml.replaceAll("AuthnRequest", "Response"),
      "a LogoutRequest": (xml) => xml.replaceAll("AuthnRequest", "LogoutRequest"),
      "version 1.1": (xml) => xml.replace('Version="2.0"', 'Version="1.1"'),
      "no version": (xml) => xml.replace(' Version="2.0"', ""),
      "no ID": (xml) => xml.replace(/ ID="[^"]+"/, ""),
      "an empty ID": (xml) => xml.replace(/ ID="[^"]+"/, ' ID=""'),
      "an ID that begins with a digit": (xml) => xml.replace(/ ID="[^"]+"/, ' ID="1a"'),
      "an ID of 300 characters": (xml) => xml.replace(/ ID="[^"]+"/, ` ID="_${"a".repeat(300)}"`),
      "an attribute twice": (xml) => xml.replace(" Version=", ' Version="2.0" Version='),
      "no Issuer": (xml) => xml.replace(/<saml:Issuer>.*<\/saml:Issuer>/, ""),
      "an empty Issuer": (xml) => xml.replace(/<saml:Issuer>.*<\/saml:Issuer>/, "<saml:Issuer/>"),
      "two Issuers": (xml) =>
        xml.replace("</saml:Issuer>", `</saml:Issuer><saml:Issuer>${open.entityId}</saml:Issuer>`),
      "an unknown Issuer": (xml) => xml.replace(open.entityId, "https://unknown.example/"),
      "the Issuer in capitals": (xml) => xml.replace(open.entityId, open.entityId.toUpperCase()),
      "the Issuer and a slash": (xml) => xml.replace(open.entityId, `${open.entityId}/`),
      "an undeclared prefix": (xml) => xml.replace(/ xmlns:saml="[^"]+"/, ""),
      "an element that is not closed": (xml) => xml.replace("</samlp:AuthnRequest>", ""),
      "text behind the root": (xml) => `${xml}x`,
      "two roots": (xml) => xml + xml,
      "an element the schema does not know": (xml) =>
        xml.replace("</samlp:AuthnRequest>", "<samlp:Evil/></samlp:AuthnRequest>"),
      "a ForceAuthn that is no boolean": (xml) => xml.replace(" Version=", ' ForceAuthn="yes" Version='),
    }),
    ...["utf16le", "latin1"].flatMap((encoding) =>
      both(
        "malformed",
        `the encoding ${encoding}`,
        Buffer.from(base().replace("</saml:Issuer>", "é</saml:Issuer>"), encoding as BufferEncoding),
      ),
    ),
    ...table("time", base, {
      "ten minutes ago": at(instantOf(-600_000)),
      "in ten minutes": at(instantOf(600_000)),
      "the year 2001": at("2001-01-01T00:00:00Z"),
      "no time zone": at(instantOf(0).slice(0, 19)),
      "no date": at("now"),
    }),
    ...table("destination", base, {
      "another host": to("https://evil.example/saml/sso"),
      "our host as a prefix": to(`${origin}.evil.example/saml/sso`),
      "our host as user info": to(`http://${host}@evil.example/saml/sso`),
      "a longer path": to(`${destination}/x`),
      "another endpoint": to(`${origin}/saml/slo`),
      capitals: to(destination.replace("/saml/sso", "/SAML/SSO")),
      "a query": to(`${destination}?a=b`),
      nothing: to(""),
    }),
  ];
}

/** Where the answer would go. */
export function misdirection({ open, strict, destination }: Target): Hostile[] {
  const asking = (more: Partial<Wanted>): string => authnRequest({ issuer: open.entityId, destination, ...more });
  const { origin, host, pathname } = new URL(open.acs);
  const addresses: Readonly<Record<string, string>> = {
    "another host": "https://evil.example/acs",
    "a longer host": `${origin}.evil.example${pathname}`,
    "user info": `https://${host}@evil.example${pathname}`,
    "user info before ours": `https://evil@${host}${pathname}`,
    "a longer path": `${open.acs}/x`,
    "a shorter path": origin,
    "dots in the path": `${origin}/x/..${pathname}`,
    "percent signs": open.acs.replace("acs", "%61cs"),
    "another port": open.acs.replace(host, `${host}:444`),
    "another scheme": open.acs.replace("https:", "http:"),
    "a script": "javascript:alert(1)",
    "a data address": "data:text/html,x",
    capitals: open.acs.toUpperCase(),
    "a fragment": `${open.acs}#x`,
    "another provider's": strict.acs,
  };
  const attributes: Readonly<Record<string, string>> = {
    "an unknown index": ' AssertionConsumerServiceIndex="7"',
    "an address and an index": ` AssertionConsumerServiceURL="${open.acs}" AssertionConsumerServiceIndex="0"`,
    "the artifact binding": ' ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"',
    "the redirect binding": ' ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"',
    "an index that is no number": ' AssertionConsumerServiceIndex="a"',
  };
  return [
    ...Object.entries(addresses).flatMap(([name, acs]) => both("acs", name, asking({ acs }))),
    ...Object.entries(attributes).flatMap(([name, more]) => both("acs", name, asking({ attributes: more }))),
  ];
}

/** What is not a message of its binding. */
export function encodings({ open, destination }: Target): Hostile[] {
  const xml = authnRequest({ issuer: open.entityId, destination });
  const packed = deflateRawSync(xml);
  const get = (name: string, payload: string): Hostile => ({
    attackClass: "encoding",
    name,
    binding: "redirect",
    payload,
  });
  const post = (name: string, payload: string, more: Partial<Hostile> = {}): Hostile => ({
    attackClass: "encoding",
    name,
    binding: "post",
    payload,
    ...more,
  });
  const value = encodeURIComponent(packed.toString("base64"));
  return [
    get("no base64", `SAMLRequest=${encodeURIComponent("<xml>")}`),
    get("no DEFLATE", `SAMLRequest=${encodeURIComponent(Buffer.from(xml).toString("base64"))}`),
    get(
      "bytes behind the stream",
      `SAMLRequest=${encodeURIComponent(Buffer.concat([packed, Buffer.from("trailing")]).toString("base64"))}`,
    ),
    get("half a stream", `SAMLRequest=${encodeURIComponent(packed.subarray(0, 50).toString("base64"))}`),
    get("an array", `SAMLRequest[]=${value}`),
    get("the parameter twice", `SAMLRequest=${value}&SAMLRequest=${value}`),
    get("both parameters", `SAMLRequest=${value}&SAMLResponse=${value}`),
    get("a response", `SAMLResponse=${value}`),
    get("no parameter", "RelayState=x"),
    get("an empty message", "SAMLRequest="),
    get("another encoding", `SAMLRequest=${value}&SAMLEncoding=urn:x`),
    get("a broken percent sign", "SAMLRequest=%zz"),
    get("RelayState twice", `SAMLRequest=${value}&RelayState=a&RelayState=b`),
    get("a NUL in RelayState", `SAMLRequest=${value}&RelayState=a%00b`),
    get("5 KB of RelayState", `SAMLRequest=${value}&RelayState=${"a".repeat(5_000)}`),
    post("no base64", "SAMLRequest=%3Cxml%3E"),
    post("DEFLATE in a form", new URLSearchParams({ SAMLRequest: packed.toString("base64") }).toString()),
    post("the field twice", `${postBody(xml)}&${postBody(xml)}`),
    post("both fields", `${postBody(xml)}&SAMLResponse=x`),
    post("no field", "RelayState=x"),
    post("a message in the query, too", postBody(xml), { query: `SAMLRequest=${value}` }),
    post("JSON", JSON.stringify({ SAMLRequest: Buffer.from(xml).toString("base64") }), {
      contentType: "application/json",
    }),
    post("200 KB", postBody("x".repeat(200_000))),
  ];
}
