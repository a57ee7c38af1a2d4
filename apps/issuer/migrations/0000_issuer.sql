CREATE TABLE client_assertion (
  client_id text NOT NULL,
  jti text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, jti)
);
--> statement-breakpoint
CREATE INDEX client_assertion_by_expiry ON client_assertion (expires_at);
-- The outbox's tables are made by libs/audit-client/migrations. A database that version 0.1.0 made has them from here.
