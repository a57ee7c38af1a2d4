-- The keys that sign what is revoked, and nothing else: kept like signing keys, in a table of their own, so that neither can be taken for the other.
CREATE TABLE revocation_key (
  kid text PRIMARY KEY,
  algorithm text NOT NULL CHECK (algorithm IN ('ES256', 'EdDSA', 'RS256', 'PS256')),
  state text NOT NULL CHECK (state IN ('pending', 'active', 'retired', 'removed')),
  public_jwk jsonb NOT NULL,
  private_key jsonb,
  created_at timestamptz NOT NULL,
  usable_from timestamptz NOT NULL,
  activated_at timestamptz,
  retired_at timestamptz,
  removed_at timestamptz,
  revoked boolean NOT NULL DEFAULT false,
  CHECK ((state = 'removed') = (private_key IS NULL))
);
--> statement-breakpoint
CREATE UNIQUE INDEX revocation_key_one_active ON revocation_key (state) WHERE state = 'active';
--> statement-breakpoint
CREATE UNIQUE INDEX revocation_key_one_pending ON revocation_key (state) WHERE state = 'pending';
--> statement-breakpoint
-- When it was noticed that this database is older than what the issuer has stated; null once an administrator has acknowledged it.
ALTER TABLE registry ADD COLUMN restored_at timestamptz;
