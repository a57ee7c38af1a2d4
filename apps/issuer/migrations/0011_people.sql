-- Somebody who signed in at an outside OpenID provider, as it said at the last sign-in. The link is the provider's identifier and its `sub`.
CREATE TABLE person (
  id text PRIMARY KEY,
  issuer text NOT NULL,
  subject text NOT NULL,
  -- The provider's name in the declared file when the person last signed in.
  provider text NOT NULL,
  name text NOT NULL,
  email text,
  roles text[] NOT NULL,
  disabled_at timestamptz,
  disabled_by text,
  created_at timestamptz NOT NULL,
  signed_in_at timestamptz NOT NULL,
  UNIQUE (issuer, subject),
  CHECK ((disabled_at IS NULL) = (disabled_by IS NULL))
);
--> statement-breakpoint
-- A signed-in browser. Its cookie holds a secret of which only the digest is here; how long it lasts, the configuration says.
CREATE TABLE session (
  id uuid PRIMARY KEY,
  secret_digest text NOT NULL UNIQUE,
  person_id text NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  issuer text NOT NULL,
  -- The provider's own session (`sid`), by which its back-channel logout may end this one.
  provider_session text,
  authenticated_at timestamptz NOT NULL,
  acr text,
  amr text[] NOT NULL,
  device text NOT NULL,
  network text NOT NULL,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_by text,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
--> statement-breakpoint
CREATE INDEX session_by_person ON session (person_id, seen_at);
--> statement-breakpoint
CREATE INDEX session_by_provider_session ON session (issuer, provider_session) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX session_by_use ON session (seen_at);
