import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programFolder, type SamlSp, startProgram } from "./program.ts";
import { testKey } from "./service-provider.ts";

const ROOT = "/usr/share/simplesamlphp";

const ROUTER = `<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (preg_match('#^/module\\.php(/.*)$#', $path, $match)) {
  $_SERVER['SCRIPT_NAME'] = '/module.php';
  $_SERVER['PHP_SELF'] = $path;
  $_SERVER['PATH_INFO'] = $match[1];
  chdir('${ROOT}/www');
  require '${ROOT}/www/module.php';
  return true;
}
require '${ROOT}/lib/_autoload.php';
$as = new \\SimpleSAML\\Auth\\Simple('default-sp');
if ($path === '/app') {
  $as->requireAuth();
  $nameId = $as->getAuthData('saml:sp:NameID');
  echo '<!doctype html><title>App</title><pre id="attributes">' . htmlspecialchars(json_encode(['attributes' => $as->getAttributes(), 'format' => $nameId->getFormat()])) . '</pre>';
} elseif ($path === '/logout') {
  $as->logout('http://' . $_SERVER['HTTP_HOST'] . '/out');
} elseif ($path === '/out') {
  echo '<!doctype html><title>Out</title><h1>' . ($as->isAuthenticated() ? 'Still signed in' : 'Signed out') . '</h1>';
} else {
  http_response_code(404);
}
`;

function config(folder: string, origin: string): string {
  return `<?php
$config = [
  'baseurlpath' => '${origin}/',
  'certdir' => '${folder}/',
  'loggingdir' => '${folder}/',
  'datadir' => '${folder}/',
  'tempdir' => '${folder}/tmp',
  'technicalcontact_name' => 'Test',
  'technicalcontact_email' => 'na@example.org',
  'timezone' => 'UTC',
  'secretsalt' => 'throwaway-salt-of-a-test',
  'auth.adminpassword' => 'throwaway-password-of-a-test',
  'showerrors' => true,
  'errorreporting' => false,
  'logging.level' => 5,
  'logging.handler' => 'errorlog',
  'session.cookie.secure' => false,
  'session.cookie.samesite' => 'Lax',
  'session.phpsession.cookiename' => 'ssp',
  'session.phpsession.savepath' => '${folder}/tmp',
  'store.type' => 'phpsession',
  'metadatadir' => '${folder}/',
  'metadata.sources' => [['type' => 'xml', 'file' => '${folder}/idp.xml']],
  'trusted.url.domains' => null,
  'module.enable' => ['saml' => true],
  'language.available' => ['en'],
  'language.default' => 'en',
];
`;
}

function authSources(idpEntityId: string): string {
  return `<?php
$config = [
  'default-sp' => [
    'saml:SP',
    'entityID' => null,
    'idp' => '${idpEntityId}',
    'privatekey' => 'sp.key.pem',
    'certificate' => 'sp.cert.pem',
    'sign.authnrequest' => true,
    'sign.logout' => true,
    'redirect.sign' => true,
    'redirect.validate' => true,
    'validate.logout' => true,
    'WantAssertionsSigned' => true,
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'NameIDPolicy' => ['Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', 'AllowCreate' => true],
  ],
];
`;
}

/** SimpleSAMLphp as a service provider on PHP's own server: /app is protected, /logout begins a single logout, /out says how it ended. */
export async function startSimpleSamlPhp({
  port,
  idpEntityId,
  idpMetadata,
}: {
  port: number;
  idpEntityId: string;
  idpMetadata: string;
}): Promise<SamlSp> {
  // On the provider's own site: over plain http it cannot set a cookie that comes along with another site's POST.
  const origin = `http://localhost:${port}`;
  const key = await testKey("simplesamlphp");
  const folder = programFolder({
    "idp.xml": idpMetadata,
    "sp.key.pem": key.privateKey,
    "sp.cert.pem": key.certificate,
    "router.php": ROUTER,
    "authsources.php": authSources(idpEntityId),
  });
  mkdirSync(join(folder, "tmp"), { mode: 0o777 });
  writeFileSync(join(folder, "config.php"), config(folder, origin));
  return startProgram(folder, {
    command: "/usr/bin/php",
    args: ["-S", `127.0.0.1:${port}`, "-t", folder, join(folder, "router.php")],
    env: { SIMPLESAMLPHP_CONFIG_DIR: folder },
    origin,
    metadataPath: "/module.php/saml/sp/metadata.php/default-sp",
  });
}
