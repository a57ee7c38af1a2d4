CREATE TABLE client_assertion (
  client_id text NOT NULL,
  jti text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, jti)
);
--> statement-breakpoint
CREATE INDEX client_assertion_by_expiry ON client_assertion (expires_at);
--> statement-breakpoint
CREATE TABLE audit_outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  event jsonb NOT NULL,
  sequence bigint UNIQUE,
  published_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE audit_sequence (source text PRIMARY KEY, last bigint NOT NULL);
