-- API keys of registered clients. Of the key itself only a keyed digest is kept.
CREATE TABLE api_key (
  id uuid PRIMARY KEY,
  client_id text NOT NULL REFERENCES client (client_id),
  name text NOT NULL,
  digest text NOT NULL,
  audiences jsonb NOT NULL,
  networks jsonb NOT NULL,
  plan text,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  expires_at timestamptz NOT NULL,
  ends_at timestamptz,
  successor uuid,
  disabled_at timestamptz,
  revoked_at timestamptz,
  exposed_at timestamptz,
  exposed_at_service text,
  warned_at timestamptz,
  last_used_at timestamptz
);
--> statement-breakpoint
CREATE INDEX api_key_of_client ON api_key (client_id, id);
--> statement-breakpoint
CREATE INDEX api_key_to_warn ON api_key (expires_at) WHERE warned_at IS NULL AND revoked_at IS NULL;
--> statement-breakpoint
ALTER TABLE revocation DROP CONSTRAINT revocation_kind_check;
--> statement-breakpoint
ALTER TABLE revocation
  ADD CONSTRAINT revocation_kind_check CHECK (kind IN ('token', 'transaction', 'client', 'subject', 'api-key', 'key'));
--> statement-breakpoint
ALTER TABLE revocation DROP CONSTRAINT revocation_check;
--> statement-breakpoint
ALTER TABLE revocation
  ADD CONSTRAINT revocation_has_time CHECK ((issued_before IS NOT NULL) = (kind IN ('client', 'subject', 'api-key')));
