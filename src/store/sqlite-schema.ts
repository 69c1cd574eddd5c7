/** Version of the tables below; a database of another version is refused. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
CREATE TABLE IF NOT EXISTS records (
  kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL,
  expires_at INTEGER, consumed_at INTEGER, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS record_index (
  kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, name, value, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_index_id ON record_index (kind, id);
CREATE TABLE IF NOT EXISTS marks (kind TEXT NOT NULL, id TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
  kind TEXT NOT NULL, id TEXT NOT NULL, count INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;`;

const LIVE = "(expires_at IS NULL OR expires_at > :now)";

/** Every statement the adapter runs, by name. */
export const STATEMENTS = {
  put: `INSERT INTO records (kind, id, value, version, expires_at, consumed_at) VALUES (:kind, :id, :value, 1, :expires_at, NULL)
        ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, version = records.version + 1, expires_at = excluded.expires_at, consumed_at = NULL`,
  get: `SELECT value, version, expires_at, consumed_at FROM records WHERE kind = :kind AND id = :id AND ${LIVE}`,
  replace: `UPDATE records SET value = :value, version = version + 1 WHERE kind = :kind AND id = :id AND version = :version AND ${LIVE}`,
  consume: `UPDATE records SET consumed_at = :at WHERE kind = :kind AND id = :id AND consumed_at IS NULL AND ${LIVE}`,
  remove: "DELETE FROM records WHERE kind = :kind AND id = :id",
  index: "INSERT OR IGNORE INTO record_index (kind, name, value, id) VALUES (:kind, :name, :value, :id)",
  unindex: "DELETE FROM record_index WHERE kind = :kind AND id = :id",
  find: `SELECT r.id, r.value, r.version, r.expires_at, r.consumed_at FROM record_index i JOIN records r ON r.kind = i.kind AND r.id = i.id
         WHERE i.kind = :kind AND i.name = :name AND i.value = :value AND (r.expires_at IS NULL OR r.expires_at > :now)`,
  list: `SELECT id, value, version, expires_at, consumed_at FROM records WHERE kind = :kind AND ${LIVE}`,
  mark: `INSERT INTO marks (kind, id, expires_at) VALUES (:kind, :id, :expires_at)
         ON CONFLICT (kind, id) DO UPDATE SET expires_at = excluded.expires_at WHERE marks.expires_at <= :now`,
  increment: `INSERT INTO counters (kind, id, count, expires_at) VALUES (:kind, :id, 1, :expires_at)
         ON CONFLICT (kind, id) DO UPDATE SET
           count = CASE WHEN counters.expires_at > :now THEN counters.count + 1 ELSE 1 END,
           expires_at = CASE WHEN counters.expires_at > :now THEN counters.expires_at ELSE excluded.expires_at END
         RETURNING count, expires_at`,
  counter: "SELECT count, expires_at FROM counters WHERE kind = :kind AND id = :id AND expires_at > :now",
  reset: "DELETE FROM counters WHERE kind = :kind AND id = :id",
  expired: "SELECT kind, id FROM records WHERE expires_at <= :now LIMIT 500",
  sweepMarks: "DELETE FROM marks WHERE expires_at <= :now",
  sweepCounters: "DELETE FROM counters WHERE expires_at <= :now",
} as const;
