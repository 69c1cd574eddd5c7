import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programFolder, type SamlSp, startProgram } from "./program.ts";
import { testKey } from "./service-provider.ts";

const MODULES = [
  "mpm_event",
  "authn_core",
  "authz_core",
  "authz_user",
  "headers",
  "alias",
  "dir",
  "mime",
  "auth_mellon",
];

/** Apache with mod_auth_mellon: everything but /out/ is protected; it says who came in response headers. */
export async function startMellon({ port, idpMetadata }: { port: number; idpMetadata: string }): Promise<SamlSp> {
  const origin = `http://127.0.0.1:${port}`;
  const key = await testKey("mellon");
  const certificate = key.certificate.replaceAll(/-----[^-]+-----|\s/g, "");
  const folder = programFolder({
    "idp.xml": idpMetadata,
    "sp.key.pem": key.privateKey,
    "sp.cert.pem": key.certificate,
    "sp.xml": `<EntityDescriptor entityID="${origin}/mellon/metadata" xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
<SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
<KeyDescriptor use="encryption"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${origin}/mellon/logout"/>
<AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${origin}/mellon/postResponse"/>
</SPSSODescriptor></EntityDescriptor>`,
  });
  mkdirSync(join(folder, "htdocs/out"), { recursive: true });
  writeFileSync(join(folder, "htdocs/index.html"), "<!doctype html><title>Protected</title><h1>Protected page</h1>");
  writeFileSync(join(folder, "htdocs/out/index.html"), "<!doctype html><title>Out</title><h1>Signed out</h1>");
  writeFileSync(join(folder, "httpd.conf"), configuration(folder, port));
  return startProgram(folder, {
    command: "/usr/sbin/apache2",
    args: ["-f", join(folder, "httpd.conf"), "-DFOREGROUND"],
    origin,
    metadataPath: "/mellon/metadata",
  });
}

function configuration(folder: string, port: number): string {
  return `ServerRoot "${folder}"
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile "${folder}/apache.pid"
ErrorLog "${folder}/error.log"
Mutex file:${folder}
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
TypesConfig /etc/mime.types
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
DocumentRoot "${folder}/htdocs"
MellonLockFile "${folder}/mellon.lock"
<Location />
  MellonEnable "auth"
  MellonEndpointPath "/mellon"
  MellonSPPrivateKeyFile "${folder}/sp.key.pem"
  MellonSPCertFile "${folder}/sp.cert.pem"
  MellonSPMetadataFile "${folder}/sp.xml"
  MellonIdPMetadataFile "${folder}/idp.xml"
  MellonSignatureMethod rsa-sha256
  # As in real life: the answer comes as a cross-site POST. Loopback counts as secure.
  MellonSecureCookie On
  MellonCookieSameSite none
  MellonMergeEnvVars On ";"
  MellonSetEnvNoPrefix "MAIL" "urn:oid:0.9.2342.19200300.100.1.3"
  MellonSetEnvNoPrefix "GROUPS" "groups"
  AuthType Mellon
  Require valid-user
  Header always set X-Mail "expr=%{reqenv:MAIL}"
  Header always set X-Groups "expr=%{reqenv:GROUPS}"
</Location>
<Location /out>
  MellonEnable "off"
  AuthType None
  Require all granted
</Location>
`;
}
