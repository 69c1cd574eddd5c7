import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { inspectCertificates } from "../../../src/front/index.ts";
import { type Certified, certify } from "../../support/certificates.ts";
import { SOUND, temporaryConfig } from "./temporary-config.ts";

const { folder, write, faults, config } = temporaryConfig();
const WITH_TLS = SOUND.replace("port: 8080 }", "port: 8080, tls: { cert_file: ./a.crt, key_file: ./a.key } }");

let [own, other, middle]: Certified[] = [];
before(async () => {
  own = await certify({ name: "localhost" });
  other = await certify({ name: "localhost" });
  middle = await certify({ name: "Middle", isAuthority: true });
});

/** What is wrong with the file once these stand beside it. */
function wrong(certificate: string | undefined, key: string | undefined): readonly string[] {
  write("a.crt", certificate ?? "");
  write("a.key", key ?? "");
  chmodSync(join(folder, "a.key"), 0o600);
  return faults(WITH_TLS).map(({ line, path, message }) => `${line} ${path}: ${message.replaceAll(`${folder}/`, "")}`);
}

test("a certificate with its key is sound, and its paths start at the folder of the file", () => {
  assert.deepEqual(wrong(own?.certificate, own?.key), []);
  const files = { cert_file: join(folder, "a.crt"), key_file: join(folder, "a.key") };
  assert.deepEqual(config(WITH_TLS).server.listen, [{ host: "127.0.0.1", port: 8080, tls: files }]);
});

test("a pair that does not belong together, an unreadable one and a wrong order are named at their key", () => {
  const place = "2 server.listen[0].tls";
  assert.deepEqual(wrong(own?.certificate, other?.key), [
    `${place}.key_file: is not the key of the certificate in a.crt`,
  ]);
  assert.deepEqual(wrong("", own?.key), [
    `${place}.cert_file: must hold certificates in PEM, the server's own one first`,
  ]);
  assert.deepEqual(wrong(own?.certificate, "x"), [`${place}.key_file: must hold a private key in PEM`]);
  assert.deepEqual(wrong(`${own?.certificate}${middle?.certificate}`, own?.key), [
    `${place}.cert_file: certificate 2 in it issued none before it; the server's own comes first`,
  ]);
  assert.deepEqual(
    faults(WITH_TLS.replace("a.key", "b.key")).map(({ message }) => message),
    [`the file ${join(folder, "b.key")} cannot be read`],
  );
});

test("a key with a passphrase is refused as such", () => {
  const options = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
  const encrypted = String(createPrivateKey(own?.key ?? "").export(options));
  assert.match(wrong(own?.certificate, encrypted).join(), /key_file: is encrypted; keys with a passphrase/);
});

for (const [what, wish, says] of [
  ["ended", { name: "localhost", from: -10, until: -1 }, /a\.crt: the certificate ended on \d{4}-\d\d-\d\d; renew it/],
  ["is not valid yet", { name: "localhost", from: 2 }, /a\.crt: the certificate is not valid before/],
] as const) {
  test(`a certificate that ${what} is a fault of its file`, async () => {
    const made = await certify(wish);
    assert.deepEqual(wrong(made.certificate, made.key), []);
    const [fault] = inspectCertificates(config(WITH_TLS), Date.now()).faults;
    assert.match(`${fault?.file}: ${fault?.message}`, says);
  });
}

test("a key others may read, a foreign host and a near end are warned about, and nothing else is", async () => {
  const made = await certify({ name: "other.example", until: 13 });
  wrong(made.certificate, made.key);
  chmodSync(join(folder, "a.key"), 0o640);
  const { faults: none, warnings } = inspectCertificates(config(WITH_TLS), Date.now());
  assert.deepEqual(none, []);
  assert.deepEqual(
    warnings.map((text) => text.replaceAll(`${folder}/`, "")),
    [
      "a.key: others than its owner may read the key; run chmod 600 on it",
      "a.crt: the certificate is not for localhost, the issuer's host",
      "a.crt: the certificate ends in 12 days; renew it",
    ],
  );
  wrong(own?.certificate, own?.key);
  assert.deepEqual(inspectCertificates(config(WITH_TLS), Date.now()), { faults: [], warnings: [] });
});
