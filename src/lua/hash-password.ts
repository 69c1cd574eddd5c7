import { hash } from "@node-rs/argon2";

/** An Argon2id hash (19 MiB, 2 passes, 1 lane) that `compare_passwords` understands. Argon2id is the package's default. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
}
