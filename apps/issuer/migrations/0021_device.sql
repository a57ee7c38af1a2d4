-- Devices that wait until a person has allowed them (RFC 8628). Only digests of both codes are kept: that of the user code under a key, because
-- it is short.
CREATE TABLE device_authorization (
  id uuid PRIMARY KEY,
  device_digest text NOT NULL UNIQUE,
  user_code_digest text NOT NULL UNIQUE,
  client_id text NOT NULL,
  audience text NOT NULL,
  scopes jsonb NOT NULL,
  -- What the person is shown of the device: its kind and network.
  device text NOT NULL,
  network text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Seconds between two polls of the device.
  every integer NOT NULL,
  asked_at timestamptz,
  -- What the person allowed: what the delegation will be.
  allowed jsonb,
  decided_at timestamptz,
  redeemed_at timestamptz,
  CHECK (allowed IS NULL OR decided_at IS NOT NULL)
);
--> statement-breakpoint
CREATE INDEX device_authorization_by_expiry ON device_authorization (expires_at);
--> statement-breakpoint
-- How many codes that do not exist a person has entered, so that nobody can guess one.
CREATE TABLE device_guess (person_id text PRIMARY KEY, wrong integer NOT NULL, since timestamptz NOT NULL);
