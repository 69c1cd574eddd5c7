-- The tables of lua/mysql.lua, for MySQL 8 and MariaDB 10.5 or later.
--
-- Names, ids and credentials are compared byte by byte, as the contract wants it: a text column would take "demo " for "demo".
CREATE TABLE accounts (
  username VARBINARY(1024) PRIMARY KEY,
  password_hash VARCHAR(512) NOT NULL,
  unique_id VARBINARY(255) NOT NULL UNIQUE,
  display_name VARCHAR(255),
  mail VARCHAR(255),
  `groups` TEXT NOT NULL,
  disabled TINYINT NOT NULL DEFAULT 0,
  totp_secret VARCHAR(512),
  recovery_codes TEXT,
  KEY (mail)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE webauthn_credentials (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  username VARBINARY(1024) NOT NULL,
  credential MEDIUMBLOB NOT NULL,
  digest BINARY(32) AS (UNHEX(SHA2(credential, 256))) STORED,
  UNIQUE KEY (username, digest),
  FOREIGN KEY (username) REFERENCES accounts (username) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
