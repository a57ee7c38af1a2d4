-- An event's place is its log index: 0-based, without a gap, and the position of its leaf in the Merkle tree.
DROP TRIGGER event_append_only ON event;
--> statement-breakpoint
ALTER TABLE event ADD COLUMN log_index bigint;
--> statement-breakpoint
UPDATE event SET log_index = numbered.log_index
FROM (SELECT position, row_number() OVER (ORDER BY position) - 1 AS log_index FROM event) AS numbered
WHERE event.position = numbered.position;
--> statement-breakpoint
ALTER TABLE event DROP COLUMN position;
--> statement-breakpoint
ALTER TABLE event ADD PRIMARY KEY (log_index);
--> statement-breakpoint
CREATE INDEX event_by_subject ON event (subject, log_index DESC);
--> statement-breakpoint
CREATE INDEX event_by_client ON event (client_id, log_index DESC);
--> statement-breakpoint
CREATE INDEX event_by_action ON event (action, log_index DESC);
--> statement-breakpoint
CREATE INDEX event_by_resource ON event (resource, log_index DESC);
--> statement-breakpoint
CREATE INDEX event_by_outcome ON event (outcome, log_index DESC);
--> statement-breakpoint
CREATE INDEX event_by_trace ON event (trace_id, log_index DESC);
--> statement-breakpoint
CREATE INDEX event_by_txn ON event (txn, log_index DESC);
--> statement-breakpoint
CREATE TABLE log_sequence (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  next_index bigint NOT NULL
);
--> statement-breakpoint
INSERT INTO log_sequence (next_index) SELECT count(*) FROM event;
--> statement-breakpoint
CREATE TABLE log_retention (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  minimum_index bigint NOT NULL DEFAULT 0
);
--> statement-breakpoint
INSERT INTO log_retention DEFAULT VALUES;
--> statement-breakpoint
CREATE TABLE log_unintegrated (
  first_index bigint PRIMARY KEY,
  leaf_hashes bytea NOT NULL CHECK (length(leaf_hashes) > 0 AND length(leaf_hashes) % 32 = 0)
);
--> statement-breakpoint
CREATE TABLE log_tile (
  level smallint NOT NULL,
  tile_index bigint NOT NULL,
  hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  PRIMARY KEY (level, tile_index)
);
--> statement-breakpoint
CREATE TABLE log_checkpoint (
  tree_size bigint PRIMARY KEY,
  note text NOT NULL,
  signed_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE log_segment (
  first_index bigint PRIMARY KEY,
  end_index bigint NOT NULL UNIQUE CHECK (end_index > first_index),
  file text NOT NULL,
  sha256 bytea NOT NULL,
  sealed_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TRIGGER event_append_only BEFORE UPDATE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE FUNCTION refuse_delete_of_kept_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.log_index >= (SELECT minimum_index FROM log_retention) THEN
    RAISE EXCEPTION 'event is append-only; only what retention has sealed may go' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;
--> statement-breakpoint
CREATE TRIGGER event_kept BEFORE DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_delete_of_kept_event();
--> statement-breakpoint
CREATE TRIGGER log_checkpoint_append_only BEFORE UPDATE OR TRUNCATE ON log_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
ALTER TABLE dead_letter ADD COLUMN replayed_at timestamptz;
--> statement-breakpoint
ALTER TABLE dead_letter ADD COLUMN digest bytea UNIQUE;
--> statement-breakpoint
ALTER TABLE source_progress ADD COLUMN gap_since timestamptz;
--> statement-breakpoint
ALTER TABLE source_progress ADD COLUMN known int8multirange NOT NULL DEFAULT '{}';
--> statement-breakpoint
UPDATE source_progress SET known = (
  SELECT coalesce(range_agg(int8range(sequence, sequence, '[]')), '{}') FROM (
    SELECT sequence FROM event WHERE event.source = source_progress.source
    UNION SELECT sequence FROM dead_letter WHERE dead_letter.source = source_progress.source AND sequence IS NOT NULL
  ) AS numbers);
