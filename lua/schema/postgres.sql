-- The tables of lua/postgres.lua, for PostgreSQL 12 or later.
CREATE TABLE accounts (
  username TEXT PRIMARY KEY,
  password_hash TEXT NOT NULL,
  unique_id TEXT NOT NULL UNIQUE,
  display_name TEXT,
  mail TEXT,
  groups TEXT NOT NULL DEFAULT '',
  disabled BOOLEAN NOT NULL DEFAULT FALSE,
  totp_secret TEXT,
  recovery_codes TEXT
);

CREATE INDEX accounts_mail ON accounts (mail);

CREATE TABLE webauthn_credentials (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username TEXT NOT NULL REFERENCES accounts (username) ON DELETE CASCADE ON UPDATE CASCADE,
  credential TEXT NOT NULL
);

-- A credential may be longer than an entry of an index. The digest only keeps one from being saved twice.
CREATE UNIQUE INDEX webauthn_credentials_once ON webauthn_credentials (username, md5(credential));
