import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { argon2Sync, createHash, pbkdf2Sync, scryptSync } from "node:crypto";
import { after, test } from "node:test";
import { realWorld } from "../../../src/app/index.ts";
import { createHostServices, hashPassword } from "../../../src/lua/index.ts";

const services = createHostServices({ world: realWorld() });
after(() => services.close());

const NOTHING_GRANTED = { databases: [], files: [] };

/** Asks as a script does: both values are Lua's bytes. */
const compareBytes = (hash: string, plain: Buffer) =>
  services.call(NOTHING_GRANTED, "password.compare", [hash, plain.toString("latin1")], new AbortController().signal);
const compare = (hash: string, plain: string) => compareBytes(hash, Buffer.from(plain));
const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");

const PASSWORDS = [
  "x",
  "workshop",
  "0123456789abcdef",
  "Grüße und 🔑",
  "a password that is longer than sixty-four bytes, so that every loop repeats",
];
const SALTS = {
  "-1": ["workshop", "a"],
  "-5": ["saltstring", "x", "0123456789abcdef"],
  "-6": ["saltstring", "x", "0123456789abcdef"],
  "-apr1": ["workshop", "a"],
};

/** Written by others, long before this. */
const ORACLE = "openssl";

/** What `openssl passwd` makes of a password. */
function openssl(kind: string, salt: string, plain: string | Buffer): string {
  const { stdout, status } = spawnSync(ORACLE, ["passwd", kind, "-salt", salt, "-stdin"], {
    input: Buffer.concat([Buffer.from(plain), Buffer.from("\n")]),
  });
  assert.equal(status, 0, "openssl is needed for this test");
  return stdout.toString().trim();
}

for (const [kind, salts] of Object.entries(SALTS)) {
  test(`the crypt hashes of openssl passwd ${kind} match their password and no other`, async () => {
    for (const salt of salts) {
      for (const plain of PASSWORDS) {
        const hash = openssl(kind, salt, plain);
        assert.equal(await compare(hash, plain), true, `${hash} and ${plain}`);
        assert.equal(await compare(`{CRYPT}${hash}`, plain), true);
        assert.equal(await compare(hash, `${plain}x`), false);
        assert.equal(await compare(hash.slice(0, -1), plain), false, "a digest that is cut off matches nothing");
        assert.equal(
          await compare(hash.slice(0, hash.lastIndexOf("$") + 1), plain),
          false,
          "an empty digest matches nothing",
        );
      }
    }
  });
}

/** Made by other programs: libxcrypt, and Python's hashlib (the scrypt one is a vector of RFC 7914). */
const VECTORS: Readonly<Record<string, readonly [plain: string, hash: string]>> = {
  "SHA-256 crypt with rounds": [
    "Hello world!",
    "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
  ],
  "SHA-512 crypt with rounds": [
    "Hello world!",
    "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
  ],
  "bcrypt $2b$": ["U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
  "bcrypt $2a$": ["U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
  "bcrypt $2y$ of other than ASCII": ["Grüße", "$2y$04$abcdefghijklmnopqrstuuzzfwLY11Q0O66TF2XZ7FUib2Ngtn1va"],
  "bcrypt behind {BLF-CRYPT}": ["U*U", "{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
  "{SSHA}": ["Grüße", "{SSHA}kjnDjXopMYTy6C6qZeSBnFoT34MAAQIDBAUGBw=="],
  "{SSHA256}": ["Grüße", "{SSHA256}nvVbUzBGdgTEThK2dpFjagRJFWsWwDjbZnLL2MVfpSYAAQIDBAUGBw=="],
  "{SSHA256.B64}": ["Grüße", "{SSHA256.B64}nvVbUzBGdgTEThK2dpFjagRJFWsWwDjbZnLL2MVfpSYAAQIDBAUGBw=="],
  "{SSHA256.HEX}": [
    "Grüße",
    "{SSHA256.HEX}9ef55b5330467604c44e12b67691636a0449156b16c038db6672cbd8c55fa5260001020304050607",
  ],
  "{SSHA512}": [
    "Grüße",
    "{SSHA512}VJTJVjUCPMpBkrpWRHV536ZIfbhlTMX9WGNSu6PYI3/N/Vfk9Z6orE5I+7IBVi4oHJknzk3gwJQm6feM8mdkOgABAgMEBQYH",
  ],
  scrypt: [
    "password",
    "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq.HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
  ],
  "PBKDF2 with SHA-1": ["passwd", "$pbkdf2$1000$./8wMTIzNDU2Nzg5YWI$Q5VgRfEVJdmh9Dl4EiURCfGGj.E"],
  "PBKDF2 with SHA-256": [
    "passwd",
    "$pbkdf2-sha256$1000$./8wMTIzNDU2Nzg5YWI$6SJL0Br4biGwwYPoUavSFFYdVsqU38lTBkQFbSuA8hE",
  ],
  "PBKDF2 with i=": [
    "passwd",
    "$pbkdf2-sha256$i=1000,l=32$./8wMTIzNDU2Nzg5YWI$6SJL0Br4biGwwYPoUavSFFYdVsqU38lTBkQFbSuA8hE",
  ],
  "{PBKDF2-SHA512}": [
    "passwd",
    "{PBKDF2-SHA512}1000$./8wMTIzNDU2Nzg5YWI$Z7AvoL0F4bXC6zkwH/ZAlvCK.xd94JhNbMh3KwJmt9XZ2Pv7DSzADaX7eB9T/vrmrmx8ec0XTOifwCsSreOVkg",
  ],
};

for (const [what, [plain, hash]] of Object.entries(VECTORS)) {
  test(`${what} matches its password and no other`, async () => {
    assert.equal(await compare(hash, plain), true);
    assert.equal(await compare(hash, `${plain}x`), false);
    assert.equal(await compare(hash, ""), false);
  });
}

const BYTES = Buffer.from([0xff, 0, 0x80, 0, 0x41]);

test("bytes that are no text count one by one, NUL and 0xFF among them", async () => {
  const salt = Buffer.from("01234567");
  const digest = createHash("sha512").update(BYTES).update(salt).digest();
  const settings = { nonce: Buffer.concat([salt, salt]), parallelism: 1, tagLength: 32, memory: 1024, passes: 1 };
  const hashes = {
    argon2: `$argon2id$v=19$m=1024,t=1,p=1$${base64(settings.nonce)}$${base64(argon2Sync("argon2id", { message: BYTES, ...settings }))}`,
    scrypt: `$scrypt$ln=4,r=8,p=1$${base64(salt)}$${base64(scryptSync(BYTES, salt, 32, { cost: 16 }))}`,
    pbkdf2: `{PBKDF2-SHA256}1000$${base64(salt)}$${base64(pbkdf2Sync(BYTES, salt, 1000, 32, "sha256"))}`,
    salted: `{SSHA512}${Buffer.concat([digest, salt]).toString("base64")}`,
  };
  for (const [what, hash] of Object.entries(hashes)) {
    assert.equal(await compareBytes(hash, BYTES), true, what);
    for (const other of [
      BYTES.subarray(0, 3),
      BYTES.subarray(1),
      Buffer.from([0xfe, 0, 0x80, 0, 0x41]),
      Buffer.alloc(0),
    ])
      assert.equal(await compareBytes(hash, other), false, what);
  }
});

test("crypt hashes of bytes that are no text match what openssl makes of them", async () => {
  const plain = Buffer.from([0xff, 0x80, 0x41]);
  for (const kind of ["-1", "-apr1", "-5", "-6"]) {
    const hash = openssl(kind, "saltstri", plain);
    assert.equal(await compareBytes(hash, plain), true, kind);
    assert.equal(await compareBytes(hash, Buffer.from([0xfe, 0x80, 0x41])), false, kind);
  }
});

test("a password of over 4096 bytes matches nothing", async () => {
  const long = Buffer.alloc(4097, "a");
  const hash = `{SHA256}${createHash("sha256").update(long).digest("base64")}`;
  assert.equal(await compareBytes(hash, long), false);
  const short = long.subarray(1);
  assert.equal(await compareBytes(`{SHA256}${createHash("sha256").update(short).digest("base64")}`, short), true);
});

for (const kind of ["argon2id", "argon2i"] as const) {
  test(`a hash of ${kind} made by OpenSSL matches its password and no other`, async () => {
    const nonce = Buffer.from("0123456789abcdef");
    const digest = argon2Sync(kind, {
      message: "Grüße",
      nonce,
      parallelism: 1,
      tagLength: 32,
      memory: 1024,
      passes: 2,
    });
    const hash = `$${kind}$v=19$m=1024,t=2,p=1$${base64(nonce)}$${base64(digest)}`;
    assert.equal(await compare(hash, "Grüße"), true);
    assert.equal(await compare(`{ARGON2ID}${hash}`, "Grüße"), true);
    assert.equal(await compare(hash, "Grüsse"), false);
  });
}

test("hashPassword makes Argon2id with 19 MiB and two passes, with a new salt each time", async () => {
  const [first, second] = await Promise.all([hashPassword("pass"), hashPassword("pass")]);
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(first, second);
  assert.equal(await compare(first, "pass"), true);
  assert.equal(await compare(first, "Pass"), false);
});

test("a bcrypt hash and bytes that are not UTF-8 are a failure, not a match with what they would be read as", async () => {
  const { hashSync } = await import("bcryptjs");
  await assert.rejects(compareBytes(hashSync("\uFFFD", 4), Buffer.from([0xff])), { message: /not UTF-8$/ });
  assert.equal(await compareBytes(hashSync("a\0b", 4), Buffer.from("a\0b")), true);
});

test("a bcrypt hash matches no password over 72 bytes, whatever it begins with", async () => {
  const { hashSync } = await import("bcryptjs");
  const long = "a".repeat(72);
  const hash = hashSync(long, 4);
  assert.equal(await compare(hash, long), true);
  assert.equal(await compare(hash, `${long}b`), false);
});

/** Each is a failure of the backend and never an answer, least of all yes. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "": /^a hash without a scheme$/,
  "plain text": /^a hash without a scheme$/,
  "{PLAIN}secret": /^unsupported scheme \{PLAIN\}$/,
  "{CLEARTEXT}secret": /^unsupported scheme \{CLEARTEXT\}$/,
  "$y$j9T$uAFNL2ht8sN6KjPgD3VOQ0$U5knRaLJJFOfAeQF0DqEmk/tOm2Pasa7PEKst0/8x05":
    /^unsupported scheme yescrypt \(\$y\$\)$/,
  "{CRYPT}$y$j9T$uAFNL2ht8sN6KjPgD3VOQ0$U5knRaLJJFOfAeQF0DqEmk/tOm2Pasa7PEKst0/8x05":
    /^unsupported scheme yescrypt \(\$y\$\)$/,
  "{CRYPT}kGS6vp36J2KP.": /^unsupported scheme crypt with DES \(\{CRYPT\}\)$/,
  "{SSHA}": /without a salt/,
  "{SSHA}kjnDjXopMYTy6C6qZeSBnFoT34M=": /without a salt/,
  "{SHA256}AAAA": /^a hash of \{SHA256\} that is not 32 bytes long$/,
  "{SHA}9kl1HW4btG+MhqjgMAI3wz3w": /^a hash of \{SHA\} that is not 20 bytes long$/,
  "{SHA256.HEX}f83e": /not 32 bytes/,
  "{PLAIN-MD5}00": /not 16 bytes/,
  "{SCRAM-SHA-1}4096,0my14HW0hgeDG4g9jGylhQ==,DS12,tI2i": /^a damaged SCRAM hash$/,
  "{SCRAM-SHA-1}": /^a damaged SCRAM hash$/,
  "{SCRAM-SHA-1}99999999,0my14HW0hgeDG4g9jGylhQ==,DS12eRRlKdJjvhT2SGovKwlidBI=,tI2i3vZPgNdMK6yXCF+Jfs4AhWc=": /rounds/,
  "$argon2id$v=19$m=1024,t=2,p=1$c2FsdA": /damaged Argon2/,
  $argon2id$: /damaged Argon2/,
  "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHQ$9TXXjzfLX2y/Crh2+qfgXaKLdHsjCc4SipxAHOeHs18": /over 256 MB/,
  "$argon2id$v=19$m=262144,t=100,p=1$c2FsdHNhbHQ$9TXXjzfLX2y/Crh2+qfgXaKLdHsjCc4SipxAHOeHs18": /2 GB over its passes/,
  $2b$05$CCCC: /^a damaged bcrypt hash$/,
  "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": /^a bcrypt hash with a cost of over 15$/,
  "$6$rounds=999999999$saltstring$x": /^a hash with over 500000 rounds$/,
  $7$CU: /damaged \$7\$/,
  "$7$ZU..../....Mt4HMwW5wuu72A0bWK6xi/$1RUJkd362.NYzSdMUoROG0Z09t6Za2DZb0NK01e8V13": /over 256 MB/,
  "$pbkdf2-sha256$1000$c2FsdA$": /cut off/,
  "$pbkdf2-sha256$99999999$c2FsdA$6SJL0Br4biGwwYPoUavSFFYdVsqU38lTBkQFbSuA8hE": /rounds/,
  "{PBKDF2}$1$salt$5000$": /cut off/,
  "$scrypt$ln=10,r=8,p=16$TmFDbA$": /cut off/,
  $scrypt$$c2FsdA$6SJL0Br4biGwwYPoUavSFFYdVsqU38lTBkQFbSuA8hE: /not usable/,
  "$scrypt$ln=30,r=8,p=1$TmFDbA$6SJL0Br4biGwwYPoUavSFFYdVsqU38lTBkQFbSuA8hE": /over 256 MB/,
  "$scrypt$ln=17,r=8,p=99$TmFDbA$6SJL0Br4biGwwYPoUavSFFYdVsqU38lTBkQFbSuA8hE": /1 GB over its lanes/,
  [`{SHA}${"A".repeat(3_000)}`]: /^a hash of over 2048 characters$/,
};

for (const [hash, message] of Object.entries(REFUSED)) {
  test(`the stored value "${hash.slice(0, 40)}" is a failure that does not repeat it`, async () => {
    await assert.rejects(compare(hash, ""), { message });
    await assert.rejects(compare(hash, "secret"), (error: Error) => hash === "" || !error.message.includes(hash));
  });
}

test("a check that waits too long behind others is refused, and those after it are answered again", async () => {
  const { createServiceThread } = await import("../../../src/lua/services/thread.ts");
  const thread = createServiceThread(new URL("../../../src/lua/services/hash-thread.ts", import.meta.url));
  const hash = await hashPassword("pass");
  const ask = (wait: number) => thread.ask("password.compare", [hash, "pass"], wait);
  try {
    const ahead = Promise.all(Array.from({ length: 10 }, () => ask(60_000)));
    await assert.rejects(ask(1), { message: "the queue is too long" });
    assert.deepEqual(new Set(await ahead), new Set([true]));
    assert.equal(await ask(60_000), true);
  } finally {
    await thread.close();
  }
});

test("services that were closed answer nothing any more", async () => {
  const closed = createHostServices({ world: realWorld() });
  await closed.close();
  await assert.rejects(
    closed.call(NOTHING_GRANTED, "password.compare", ["{SSHA}x", "x"], new AbortController().signal),
    { message: "the program is stopping" },
  );
});
