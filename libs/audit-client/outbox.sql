-- The tables of @countersign/audit-client: put this into a migration of your own (Prisma, TypeORM, Flyway, psql). It may run again.
-- Services that migrate with drizzle use the folder `outboxMigrations` instead.

-- Services made these three for themselves until 0.1.0; what is there stays as it is.
CREATE TABLE IF NOT EXISTS audit_outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  event jsonb NOT NULL,
  -- Gap-free per source; the relay gives it.
  sequence bigint UNIQUE,
  published_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- The relay finds what it has not numbered yet, however much waits for a receipt.
CREATE INDEX IF NOT EXISTS audit_outbox_unnumbered ON audit_outbox (position) WHERE sequence IS NULL;

CREATE TABLE IF NOT EXISTS audit_sequence (source text PRIMARY KEY, last bigint NOT NULL);

-- What audit has a receipt for stays here for a while (OUTBOX_KEEP_HOURS) with its place in the log: an audit database that was restored from a
-- backup gets back from here what it lost. Consecutive events share a row.
CREATE TABLE IF NOT EXISTS audit_kept (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  first_sequence bigint NOT NULL,
  last_sequence bigint NOT NULL,
  -- The log index of the first of them; none for what went to the dead letters, or whose place never came.
  first_index bigint,
  -- A line each.
  events text NOT NULL,
  -- What the log has as commitments: salts by sequence and path.
  salts jsonb,
  kept_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS audit_kept_by_time ON audit_kept (kept_at);
