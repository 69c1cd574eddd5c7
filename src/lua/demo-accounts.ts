import { hashPassword } from "./hash-password.ts";
import { openAccountsFile } from "./services/sqlite-file.ts";

export interface DemoAccount {
  readonly username: string;
  readonly password: string;
  readonly display_name: string;
  readonly groups: readonly string[];
}

/** Puts accounts into a database for the shipped `lua/sqlite.lua`; those that are there already stay as they are. */
export async function seedDemoAccounts(path: string, accounts: readonly DemoAccount[]): Promise<void> {
  const hashes = await Promise.all(accounts.map(({ password }) => hashPassword(password)));
  const database = openAccountsFile(path);
  try {
    // The same text as in lua/sqlite.lua, which makes the tables where nobody was here before it.
    database.exec(`
      CREATE TABLE IF NOT EXISTS accounts (
        username TEXT PRIMARY KEY, password_hash TEXT NOT NULL, unique_id TEXT NOT NULL UNIQUE, display_name TEXT, mail TEXT,
        groups TEXT NOT NULL DEFAULT '', disabled INTEGER NOT NULL DEFAULT 0, totp_secret TEXT, recovery_codes TEXT);
      CREATE TABLE IF NOT EXISTS webauthn_credentials (
        username TEXT NOT NULL REFERENCES accounts (username) ON DELETE CASCADE, credential TEXT NOT NULL, PRIMARY KEY (username, credential));`);
    const insert = database.prepare(
      "INSERT INTO accounts (username, password_hash, unique_id, display_name, mail, groups) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    accounts.forEach(({ username, display_name, groups }, index) => {
      insert.run(
        username,
        hashes[index] ?? "",
        `id-${username}`,
        display_name,
        `${username}@example.org`,
        groups.join(","),
      );
    });
  } finally {
    database.close();
  }
}
