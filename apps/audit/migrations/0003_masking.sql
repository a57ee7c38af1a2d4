-- What the log has as salted commitments. Rows may be erased at any time; the log does not change by it.
CREATE TABLE masked_value (
  event_id uuid NOT NULL,
  path text NOT NULL,
  subject text,
  value jsonb NOT NULL,
  salt bytea NOT NULL,
  PRIMARY KEY (event_id, path)
);
--> statement-breakpoint
CREATE INDEX masked_value_by_subject ON masked_value (subject) WHERE subject IS NOT NULL;
