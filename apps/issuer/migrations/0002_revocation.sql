CREATE TABLE revocation (
  bucket_key text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('token', 'client', 'subject', 'key')),
  name text NOT NULL,
  issued_before timestamptz CHECK ((issued_before IS NOT NULL) = (kind IN ('client', 'subject'))),
  matters_until timestamptz NOT NULL,
  revoked_by text NOT NULL,
  reason text,
  changed_at timestamptz NOT NULL,
  pushed_at timestamptz
);
--> statement-breakpoint
CREATE INDEX revocation_by_change ON revocation (changed_at, bucket_key);
--> statement-breakpoint
CREATE INDEX revocation_by_end ON revocation (matters_until);
--> statement-breakpoint
CREATE INDEX revocation_unpushed ON revocation (changed_at) WHERE pushed_at IS NULL;
