-- One number for the whole of clients and signing keys, raised first in every transaction that changes them: writers take turns by this
-- row, and a replica whose copy is of another version decides nothing.
CREATE TABLE registry (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL);
--> statement-breakpoint
INSERT INTO registry (version) VALUES (1);
--> statement-breakpoint
CREATE TABLE client (
  client_id text PRIMARY KEY,
  registration jsonb NOT NULL,
  -- What the declared file said when it was last applied; null for a client that only the admin API knows.
  declared jsonb,
  -- Digests of live secrets, two at the most; never a secret.
  secrets jsonb NOT NULL DEFAULT '[]',
  disabled_at timestamptz,
  disabled_by text CHECK (disabled_by IN ('admin', 'declaration')),
  -- The registry's version in which it last changed.
  changed_in bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK ((disabled_at IS NULL) = (disabled_by IS NULL))
);
--> statement-breakpoint
CREATE INDEX client_by_change ON client (changed_in);
--> statement-breakpoint
CREATE TABLE signing_key (
  kid text PRIMARY KEY,
  algorithm text NOT NULL CHECK (algorithm IN ('ES256', 'EdDSA', 'RS256', 'PS256')),
  state text NOT NULL CHECK (state IN ('pending', 'active', 'retired', 'removed')),
  public_jwk jsonb NOT NULL,
  -- Encrypted; gone once the key is removed.
  private_key jsonb,
  created_at timestamptz NOT NULL,
  -- When it may sign at the earliest: validators know it by then.
  usable_from timestamptz NOT NULL,
  activated_at timestamptz,
  retired_at timestamptz,
  removed_at timestamptz,
  revoked boolean NOT NULL DEFAULT false,
  CHECK ((state = 'removed') = (private_key IS NULL))
);
--> statement-breakpoint
CREATE UNIQUE INDEX signing_key_one_active ON signing_key (state) WHERE state = 'active';
--> statement-breakpoint
CREATE UNIQUE INDEX signing_key_one_pending ON signing_key (state) WHERE state = 'pending';
--> statement-breakpoint
-- Secrets of the issuer itself, encrypted under the key-encryption key: the key under which client secrets are digested.
CREATE TABLE issuer_secret (name text PRIMARY KEY, sealed jsonb NOT NULL);
