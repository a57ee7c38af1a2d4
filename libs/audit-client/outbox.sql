-- The tables of @countersign/audit-client: put this into your own migration (Prisma, TypeORM, Flyway, psql). It may run again.
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

-- Events that were committed together, without a change of their own to accompany: one row for all of them, because a row costs PostgreSQL ten times
-- what an event in it costs. The relay takes its numbers, one for each event, from the same counter as those of audit_outbox.
CREATE TABLE IF NOT EXISTS audit_outbox_group (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- A line each.
  events text NOT NULL,
  -- The relay finds a group by a number in it within this limit.
  count integer NOT NULL CHECK (count BETWEEN 1 AND 1000),
  -- The number of the first event; the others follow it.
  sequence bigint,
  published_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Compressing what is deleted a moment later would cost more than all the rest.
ALTER TABLE audit_outbox_group ALTER COLUMN events SET STORAGE EXTERNAL;

CREATE INDEX IF NOT EXISTS audit_outbox_group_by_sequence ON audit_outbox_group (sequence, position);

-- Each event that waits, whichever table has it, in its order by position: for tests and operators. Nothing on a request's path reads it.
CREATE OR REPLACE VIEW audit_outbox_event AS
  SELECT ARRAY[(extract(epoch FROM created_at) * 1000000)::bigint, 0, position, 0] AS position, id, event, sequence, published_at, created_at
  FROM audit_outbox
  UNION ALL
  SELECT ARRAY[(extract(epoch FROM created_at) * 1000000)::bigint, 1, position, number], (line::jsonb->>'id')::uuid, line::jsonb,
    sequence + number - 1, published_at, created_at
  FROM audit_outbox_group, string_to_table(events, E'\n') WITH ORDINALITY AS line (line, number);

-- What proves to audit that it sent this source the log index of the place that an event is part of.
ALTER TABLE audit_kept ADD COLUMN IF NOT EXISTS known text;

-- What is kept by its log indices: the relay asks for the highest whenever it begins, and audit for all from one on after it was restored.
CREATE INDEX IF NOT EXISTS audit_kept_by_index ON audit_kept ((first_index + (last_sequence - first_sequence)), position)
  WHERE first_index IS NOT NULL;
