// Hashes as directory servers, mail servers and operating systems make them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { realWorld } from "../../../src/app/index.ts";
import { createHostServices } from "../../../src/lua/index.ts";

const services = createHostServices({ world: realWorld() });
after(() => services.close());

const compare = (hash: string, plain: string) =>
  services.call(
    { databases: [], files: [] },
    "password.compare",
    [hash, Buffer.from(plain).toString("latin1")],
    new AbortController().signal,
  );

/** Hashes of "Grüße", one of each kind these programs make. */
const MADE_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "slappasswd 2.5.13": [
    "{SSHA}fMn3sue0E4ruDwGh/2QWhbzqRq76eYMd",
    "{SHA}9kl1HW4btG+MhqjgMAI3wz3wcHQ=",
    "{SMD5}nYVf1foeT6xBtK16bnaPN3w1UsQ=",
    "{MD5}ScX2dbSQN7YES4A6ydGm1w==",
    "{SSHA256}icDJCp2UO0WM54I8j27k0hD5CQ/KXAYvSkUTECezpsto9FQOsTzpxA==",
    "{SSHA384}mLtNxbYrOrBWfV5VEL5L0y+tVcYzRqkRn8ALujLqIBGxmnQ9YTP7clhxdVWJYSjxIb8qtgHZYkQ=",
    "{SSHA512}ufTOj8i25Il6bJtgtRiJsMcfT1dGq339ubrURf7G+boj3XOhp11mT3/1oV+KPz4CfTwOxZo4uwavhkBrlATJKtKyPuF5gcqK",
    "{SHA256}+D4Dl5bGRToQ9VGeOf0ROQFXIxahqOoHy1JdKAHf0HQ=",
    "{SHA384}C6DLlRdF/OlbA4KZ0qjGQjNIlGKtKU5I7bjeNkbu/iFfZ9NJ4zJenU84O1GcgCZu",
    "{SHA512}M3gnzlPygLvqyp9PO/r4frb3Q1jNeqLM1pLux9GetS/duuwU0pKZD12szrFC9FpLTGa8/XHD+me2+aaVpilu/g==",
    "{PBKDF2}10000$DM7KxS4XDJLf8.EP42ehWg$VUEUB1MyVKdaxuRFPEtRoY/ngl0",
    "{PBKDF2-SHA1}10000$nCLs3rhDjw/tD1Y7NydhnQ$nNWdLuIuiX.5X/iGwI2.1NJa9O4",
    "{PBKDF2-SHA256}10000$fRBGe8eKHvTlMKh48Y3HZg$dBro1MbWYuJKrpfSUcy3xVecGT1Etsvq/XZCEzuby9A",
    "{PBKDF2-SHA512}10000$BHRsZVPQYzCCHxDjRqiKhQ$3odJ8J3IVz.IVfgdL7tEkLTZbrS8suUi4ksl6B.Y91pyKFzWrCn7xrpKtTRU7SnKb4.tPr662zpD7WYJ7umRVA",
    "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$5rcTj143iTW23UkIAYQ3Ug$WunclEAite/BSAtViubOUsDPDNQ2NvAJowcaIDbNluE",
  ],
  "mkpasswd 5.5.17": [
    "$7$CU..../....Mt4HMwW5wuu72A0bWK6xi/$1RUJkd362.NYzSdMUoROG0Z09t6Za2DZb0NK01e8V13",
    "$7$BU..../....rE4vfYRTLMlP55Uhpdrvy0$uwFIdh6DhvQBBZvST7CpMPJHmlnBvp6DmlxEZOXnIFC",
    "$2b$05$ECq9jCpTDD2mjeV6f52B3uaHGxMogPFZW3qN1XdB56I3bM5GgDsZS",
    "$2a$05$kFyuGWYvvUX91/60mw4SZOyTWoaL3uLSL.zv0TIfQAB4G/29KeYJK",
    "$6$R2TE0DA0y4fk/Lcs$KXBxp5yB7B4J1yfZiWEVsRr3i.nngixAd7JGhqcd12aVaRbO564noie2zhPVXck5UPh.IYMhlndRGCKS4GkHI.",
    "$5$STner7f6iJOs5GNB$usk7JnaLlCDBkzGl8JjkY1/tWGLMyaQWwUQeJ0Qeqw7",
    "$1$RWS052/O$NHih7tSVZrLeJ7u39Fmy.0",
  ],
  "doveadm pw 2.3.19": [
    "{SCRAM-SHA-1}4096,0my14HW0hgeDG4g9jGylhQ==,DS12eRRlKdJjvhT2SGovKwlidBI=,tI2i3vZPgNdMK6yXCF+Jfs4AhWc=",
    "{SCRAM-SHA-256}4096,EE1BFb/usVtGSM6G7ClYRA==,rMnZgkh7yxIIYr9G/MxsYsQI7veKm04boA0UBWCZG0o=,EHT1y+ZTKVmFKekwytFZ1v951UuOMXBAoQhKXSVB7xI=",
    "{PBKDF2}$1$lOR4pwSG20xDaX8d$5000$035b0315ca7f986a61d84320b37bcf08d59c5f44",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$8IXo/MDIP/6hfgleTREzJA$2a8ly+PGFWVxDG0r9059fqnGcMU5XTDFPnuEzQIims0",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$T8mgmW8jU5LRoH1/KErdbw$tqCMN4Hz5noZVi6SFs2C4YxtVgnCQ7sJ7q/CiX7UxZY",
    "{BLF-CRYPT}$2y$05$Rh8VeF.NQUCycfEVHByDjOL.jK1QIHP.SOmo9lKoCBi5bjrNgVIpa",
    "{SHA512-CRYPT}$6$6oA4cvOMy3J1QEyR$.fBMFt0Nsn/yCbq0RjQeis3Q.kxFJg3pWxnQ3XsOcxChyhnVpbIUj3Y8Mij3JynNUAj6v/43EuOyySHPDTQhK.",
    "{SHA256-CRYPT}$5$XYxr04ZNSh79WiP5$UdwTE8tQotTQqyzbwSOL0yG45y4iWxP4RN1U4UkYm6A",
    "{MD5-CRYPT}$1$ixMdmkF/$pFUNl/LkDtjfwcKHu2q4P.",
    "{CRYPT}$2y$05$elW8Bz5YW5r6zLfCTRmFSekl7kIemyogrty5NlKyMRH8oURXzjeea",
    "{PLAIN-MD5}49c5f675b49037b6044b803ac9d1a6d7",
    "{LDAP-MD5}ScX2dbSQN7YES4A6ydGm1w==",
    "{SHA1}9kl1HW4btG+MhqjgMAI3wz3wcHQ=",
    "{SSHA256.HEX}16f3c28589adf34947178fc670d9cfe44c7c14870293f781bd1dc8df30933a211082fcdd",
    "{SSHA512.HEX}ba3153a253b82047e174e804f3609d00d0410ce3d57b0ffea213de5ebb66fc20753a936d63993b8fdde00a6328e6aeae37a5f0ee0f52c798b1bca3b55c9978ac464638cc",
    "{SHA256.HEX}f83e039796c6453a10f5519e39fd113901572316a1a8ea07cb525d2801dfd074",
    "{SHA512.B64}M3gnzlPygLvqyp9PO/r4frb3Q1jNeqLM1pLux9GetS/duuwU0pKZD12szrFC9FpLTGa8/XHD+me2+aaVpilu/g==",
    "{SMD5.HEX}deeff67ca7d57eaf5565589267a7f7a7fcc879a9",
    "{PLAIN-MD5.B64}ScX2dbSQN7YES4A6ydGm1w==",
  ],
  "argon2 of the reference implementation": [
    "$argon2i$v=19$m=1024,t=2,p=1$c2FsdHNhbHQ$QyaD/FUaj+/TU7fNhv3/ndanW2URxy10EwgTB6gTGT4",
    "$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHQ$9TXXjzfLX2y/Crh2+qfgXaKLdHsjCc4SipxAHOeHs18",
  ],
};

for (const [program, hashes] of Object.entries(MADE_ELSEWHERE)) {
  for (const hash of hashes) {
    test(`${hash.slice(0, 24)}… made by ${program} matches its password and no other`, async () => {
      assert.equal(await compare(hash, "Grüße"), true);
      assert.equal(await compare(hash, "Grüsse"), false);
    });
  }
}

/** What the programs make now, where they are installed. */
const LIVE: readonly (readonly [program: string, args: readonly string[]])[] = [
  ...["md5crypt", "sha256crypt", "sha512crypt", "bcrypt", "scrypt"].map(
    (method) => ["mkpasswd", ["-m", method, "Grüße"]] as const,
  ),
  ...["{SHA}", "{SSHA}", "{MD5}", "{SMD5}"].map((scheme) => ["slappasswd", ["-h", scheme, "-s", "Grüße"]] as const),
];

for (const [program, args] of LIVE) {
  const { stdout, status } = spawnSync(program, args, { encoding: "utf8" });
  test(`what ${program} ${args.join(" ")} makes matches`, { skip: status !== 0 && "not installed" }, async () => {
    assert.equal(await compare(stdout.trim(), "Grüße"), true);
    assert.equal(await compare(stdout.trim(), "Grüsse"), false);
  });
}
