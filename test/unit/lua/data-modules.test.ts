// Modules that only reckon. Expected values come from the modules' own documentation, from coreutils, and from OpenSSL's command line.
import { testExpressions } from "../../support/lua-values.ts";

const KEY = "('0123456789abcdef')";
const IV = "('fedcba9876543210')";

testExpressions([
  ["require('glua_crypto').md5('')", "d41d8cd98f00b204e9800998ecf8427e"],
  ["require('glua_crypto').sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["require('glua_crypto').sha256('\\0\\255')", "06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8"],
  ["#require('glua_crypto').sha512('abc', true)", "64"],
  ["require('glua_crypto').crc32('123456789')", "cbf43926"],
  ["require('glua_crypto').crc32('123456789', true):byte(1, 4)", "203|244|57|38"],
  // RFC 4231, test case 2.
  [
    "require('glua_crypto').hmac('sha256', 'what do ya want for nothing?', 'Jefe')",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  ["require('glua_crypto').hmac('sha3', 'a', 'b')", "nil|unsupported hash sha3; one of md5, sha1, sha256, sha512"],
  ["require('glua_crypto').base64_encode('\\0\\255a')", "AP9h"],
  ["require('glua_crypto').base64_decode('AP9h'):byte(1, 3)", "0|255|97"],
  ["require('glua_crypto').base64_decode('AP9')", "nil|the text is not base64 of this kind"],
  ["require('base64').URLEncoding:encode_to_string('\\251\\240')", "-_A="],
  ["require('glua_crypto').base64_url_encode('\\255\\254\\253\\252')", "__79_A=="],
  ["require('glua_crypto').base64_url_decode('__79_A=='):byte(1, 4)", "255|254|253|252"],
  // printf 'hello' | openssl enc -aes-128-cbc -K … -iv … | xxd -p
  [`require('glua_crypto').encrypt('hello', 'aes-cbc', ${KEY}, 0, ${IV})`, "7bedceb0655f38941069789f36462091"],
  [`require('glua_crypto').decrypt('7bedceb0655f38941069789f36462091', 'aes-cbc', ${KEY}, 0, ${IV})`, "hello"],
  [
    `(function() local c = require('glua_crypto') local s = c.encrypt('a\\0b', 'aes-cbc', ${KEY}:rep(2), c.RAW_DATA, ${IV})
      return #s, c.decrypt(s, 'aes-cbc', ${KEY}:rep(2), c.RAW_DATA, ${IV}) == 'a\\0b' end)()`,
    "16|true",
  ],
  // openssl enc -nopad, with zero bytes after the text.
  [`require('glua_crypto').encrypt('hello', 'aes-cbc', ${KEY}, 2, ${IV})`, "1edb0ee6047035006e6bcbe55f00cc31"],
  [`require('glua_crypto').decrypt('1edb0ee6047035006e6bcbe55f00cc31', 'aes-cbc', ${KEY}, 2, ${IV})`, "hello"],
  ["require('glua_crypto').encrypt('hello', 'des-cbc', '01234567', 0, '76543210')", "3740633b237a13f6"],
  ["require('glua_crypto').decrypt('10f599250248dd1e', 'des-ecb', '01234567', 0, '')", "hello"],
  [
    `require('glua_crypto').decrypt('7bedceb0655f38941069789f36462091', 'aes-cbc', ${KEY}:reverse(), 0, ${IV})`,
    "nil|the data cannot be decrypted with this key",
  ],
  [
    `require('glua_crypto').encrypt('a', 'aes-cbc', 'short', 0, ${IV})`,
    "nil|a key of AES has 16, 24 or 32 bytes, not 5",
  ],
  [`require('glua_crypto').encrypt('a', 'aes-cbc', ${KEY}, 0, '')`, "nil|an IV of AES has 16 bytes here, not 0"],
  [`require('glua_crypto').decrypt('zz', 'aes-cbc', ${KEY}, 0, ${IV})`, "nil|the text is not hexadecimal"],
  [
    `require('glua_crypto').decrypt('00', 'aes-cbc', ${KEY}, 0, ${IV})`,
    "nil|the data is not made of blocks of 16 bytes",
  ],
  [
    `require('glua_crypto').encrypt('a', 'rc4', ${KEY}, 0, '')`,
    "nil|unsupported encrypt method rc4; one of aes-cbc, des-cbc, des-ecb",
  ],

  ["require('crypto').md5('abc')", "900150983cd24fb0d6963f7d28e17f72"],
  ["require('crypto').sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  // NIST's GCM specification, test case 2: key, IV and text of zero bytes.
  [
    "require('crypto').aes_encrypt_hex(1, ('00'):rep(16), ('00'):rep(12), ('00'):rep(16))",
    "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
  ],
  [
    "require('crypto').aes_decrypt_hex(1, ('00'):rep(16), ('00'):rep(12), '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf')",
    "00000000000000000000000000000000",
  ],
  [
    "require('crypto').aes_decrypt_hex(1, ('00'):rep(16), ('00'):rep(12), ('00'):rep(32))",
    "nil|the data cannot be decrypted with this key",
  ],
  [
    `(function() local c = require('crypto') for mode = 2, 3 do
      local s = c.aes_encrypt(mode, ${KEY}, ${IV}, 'a\\0b') assert(c.aes_decrypt(mode, ${KEY}, ${IV}, s) == 'a\\0b') end return 'ok' end)()`,
    "ok",
  ],
  ["require('crypto').aes_encrypt(9, 'k', 'i', 'd')", "nil|unsupported mode; 1 is GCM, 2 is CBC, 3 is CTR"],

  ["require('base64').StdEncoding:encode_to_string('a\\255')", "Yf8="],
  ["require('base64').RawStdEncoding:encode_to_string('a\\255')", "Yf8"],
  ["require('base64').RawURLEncoding:encode_to_string('\\255\\254\\253\\252')", "__79_A"],
  ["require('base64').RawURLEncoding:decode_string('__79_A'):byte(1, 4)", "255|254|253|252"],
  ["require('base64').RawURLEncoding:decode_string('__79_A==')", "nil|the text is not base64 of this kind"],
  ["require('base64').StdEncoding:decode_string('Yf8=\\r\\n'):byte(2)", "255"],
  ["require('hex').encode_to_string('\\0\\255')", "00ff"],
  ["require('hex').decode_string('00FF'):byte(1, 2)", "0|255"],
  ["require('hex').decode_string('0')", "nil|the text is not hexadecimal"],

  ["require('bit').band(4294967295, 255)", "255"],
  ["require('bit').bor(2147483648, 1)", "2147483649"],
  ["require('bit').bxor(4294967295, 1)", "4294967294"],
  ["require('bit').bnot(0)", "4294967295"],
  ["require('bit').band(-1, 65535)", "65535"],
  ["require('bit').lshift(1, 31)", "2147483648"],
  ["require('bit').lshift(3, 31)", "2147483648"],
  ["require('bit').lshift(1, 32)", "0"],
  ["require('bit').rshift(2147483648, 31)", "1"],

  ["table.concat(require('strings').split('a,b,,c', ','), ';')", "a;b;;c"],
  ["#require('strings').split('', ',')", "1"],
  ["table.concat(require('strings').split('a\\195\\169', ''), ';')", "a;Ã©"],
  ["table.concat(require('strings').fields('  a \\t b\\n'), ';')", "a;b"],
  ["require('strings').trim('xxaxbxx', 'x')", "axb"],
  ["require('strings').trim('\\195\\169a\\195\\169', '\\195\\169')", "a"],
  ["require('strings').trim('xxx', 'x')", ""],
  ["require('strings').trim_prefix('Bearer t', 'Bearer ')", "t"],
  ["require('strings').trim_suffix('a.lua', '.lua')", "a"],
  ["require('strings').trim_suffix('a.lua', '')", "a.lua"],
  ["require('strings').has_prefix('ab', 'a'), require('strings').has_suffix('ab', 'a')", "true|false"],
  ["require('strings').has_suffix('ab', '')", "true"],
  ["require('strings').contains('a.b', '.'), require('strings').contains('ab', '.')", "true|false"],
  ["select(2, pcall(require('strings').split)):match('bad argument.*')", "bad argument #1 (string expected, got nil)"],

  ["require('template').choose('jinja')", "nil|unknown template engine: jinja"],
  ["require('template').choose('mustache'):render('Hi {{name}}!', { name = 'A & <B>' })", "Hi A &amp; &lt;B&gt;!"],
  ["require('template').choose('mustache'):render('{{{a}}}{{&a}}{{! no }}{{none}}', { a = '<' })", "<<"],
  [
    "require('template').choose('mustache'):render('{{#l}}<{{.}}>{{/l}}{{^m}}none{{/m}}', { l = { 1, 2 }, m = {} })",
    "<1><2>none",
  ],
  [
    "require('template').choose('mustache'):render('{{#u}}{{n}}-{{o}}{{#u}}!{{/u}}{{/u}} {{u.n}}', { u = { n = 'x' }, o = 'y' })",
    "x-y! x",
  ],
  ["require('template').choose('mustache'):render('{{#a}}', {})", "nil|the section a is not closed"],
  ["require('template').choose('mustache'):render('{{/a}}', {})", "nil|the section a was not opened"],
  [
    "require('template').choose('mustache'):render('{{> p}}', {})",
    "nil|partials and other delimiters are not available",
  ],
]);
