-- What was answered under an Idempotency-Key, encrypted, for 24 hours.
CREATE TABLE idempotency_key (
  subject text NOT NULL,
  client_id text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  resource_id text,
  answer jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (subject, client_id, key)
);
--> statement-breakpoint
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);
