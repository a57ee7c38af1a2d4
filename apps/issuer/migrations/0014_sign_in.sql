-- A person who was sent to a provider and has not come back yet. Nothing here helps anyone to finish it: the state is a digest, and nonce and
-- code verifier are made from it and from a secret that only the browser's cookie holds.
CREATE TABLE sign_in (
  state_digest text PRIMARY KEY,
  provider text NOT NULL,
  browser_digest text NOT NULL,
  return_to text NOT NULL,
  forced boolean NOT NULL,
  started_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX sign_in_by_start ON sign_in (started_at);
