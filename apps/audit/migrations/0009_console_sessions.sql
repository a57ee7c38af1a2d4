-- Who is signed in at the console. `digest` is of the secret that the browser has; tokens are sealed under that secret and a key of the service.
CREATE TABLE console_session (
  digest bytea PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  person text NOT NULL,
  name text NOT NULL,
  began_at timestamptz NOT NULL,
  used_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE TABLE console_token (
  session bytea NOT NULL REFERENCES console_session (digest) ON DELETE CASCADE,
  audience text NOT NULL,
  sealed bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Until when a process has the right to renew it: a refresh token can be used once.
  renewed_until timestamptz,
  PRIMARY KEY (session, audience)
);
