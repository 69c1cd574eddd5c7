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
CREATE INDEX IF NOT EXISTS marks_expiry ON marks (expires_at);
CREATE TABLE IF NOT EXISTS counters (
  kind TEXT NOT NULL, id TEXT NOT NULL, count INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS counters_expiry ON counters (expires_at);`;

/** Rows one sweeping transaction removes from each table: about a millisecond, so that requests are not held up. */
export const SWEEP_BATCH = 200;

const COLUMNS = "value, version, expires_at, consumed_at";
const live = (now: string): string => `(expires_at IS NULL OR expires_at > ${now})`;
const sweep = (table: string): string =>
  `DELETE FROM ${table} WHERE (kind, id) IN (SELECT kind, id FROM ${table} WHERE expires_at <= ?1 LIMIT ${SWEEP_BATCH})`;

/** Every statement the adapter runs, by name. Parameters by position: binding by name costs twice as much. */
export const STATEMENTS = {
  put: `INSERT INTO records (kind, id, value, version, expires_at, consumed_at) VALUES (?1, ?2, ?3, 1, ?4, NULL)
        ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, version = records.version + 1, expires_at = excluded.expires_at, consumed_at = NULL
        RETURNING version`,
  get: `SELECT ${COLUMNS} FROM records WHERE kind = ?1 AND id = ?2 AND ${live("?3")}`,
  replace: `UPDATE records SET value = ?5, version = version + 1 WHERE kind = ?1 AND id = ?2 AND ${live("?3")} AND version = ?4`,
  consume: `UPDATE records SET consumed_at = ?4, version = version + 1 WHERE kind = ?1 AND id = ?2 AND ${live("?3")} AND consumed_at IS NULL`,
  remove: `DELETE FROM records WHERE kind = ?1 AND id = ?2 RETURNING ${COLUMNS}`,
  index: "INSERT OR IGNORE INTO record_index (kind, name, value, id) VALUES (?1, ?2, ?3, ?4)",
  unindex: "DELETE FROM record_index WHERE kind = ?1 AND id = ?2",
  ids: "SELECT id FROM record_index WHERE kind = ?1 AND name = ?2 AND value = ?3",
  find: `SELECT r.id, r.value, r.version, r.expires_at, r.consumed_at FROM record_index i JOIN records r ON r.kind = i.kind AND r.id = i.id
         WHERE i.kind = ?1 AND i.name = ?2 AND i.value = ?3 AND (r.expires_at IS NULL OR r.expires_at > ?4)`,
  list: `SELECT id, ${COLUMNS} FROM records WHERE kind = ?1 AND ${live("?2")}`,
  mark: `INSERT INTO marks (kind, id, expires_at) VALUES (?1, ?2, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET expires_at = excluded.expires_at WHERE marks.expires_at <= ?3`,
  increment: `INSERT INTO counters (kind, id, count, expires_at) VALUES (?1, ?2, 1, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET
           count = CASE WHEN counters.expires_at > ?3 THEN counters.count + 1 ELSE 1 END,
           expires_at = CASE WHEN counters.expires_at > ?3 AND ?5 = 0 THEN min(counters.expires_at, excluded.expires_at) ELSE excluded.expires_at END
         RETURNING count, expires_at`,
  counter: "SELECT count, expires_at FROM counters WHERE kind = ?1 AND id = ?2 AND expires_at > ?3",
  counters:
    "SELECT id, count, expires_at FROM counters WHERE kind = ?1 AND substr(id, 1, length(?2)) = ?2 AND expires_at > ?3",
  reset: "DELETE FROM counters WHERE kind = ?1 AND id = ?2",
  expired: `SELECT kind, id FROM records WHERE expires_at <= ?1 LIMIT ${SWEEP_BATCH}`,
  sweepMarks: sweep("marks"),
  sweepCounters: sweep("counters"),
  ping: "SELECT count(*) FROM (SELECT 1 FROM records LIMIT 1)",
} as const;
