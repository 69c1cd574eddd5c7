// Password hashes, on a thread of its own: on the thread pool they would starve the signing of tokens.
import { comparePasswords } from "./compare-passwords.ts";
import { textOf } from "./text.ts";
import { serve } from "./thread-entry.ts";

serve({
  "password.compare": ([hash, plain]) =>
    comparePasswords(textOf(hash, "the hash"), Buffer.from(textOf(plain, "the password"), "latin1")),
});
