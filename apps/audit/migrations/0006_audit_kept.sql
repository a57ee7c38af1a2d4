-- What audit has a receipt for stays here for a while (OUTBOX_KEEP_HOURS) with its place in the log: an audit database that was restored from a
-- backup gets back from here what it lost. Consecutive events share a row.
CREATE TABLE audit_kept (
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
--> statement-breakpoint
CREATE INDEX audit_kept_by_time ON audit_kept (kept_at);
