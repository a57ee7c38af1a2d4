-- Requests of applications that were pushed, or that wait until the person has signed in and decided. Their names are secrets: only digests
-- are kept.
CREATE TABLE authorization_request (
  id uuid PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  client_id text NOT NULL,
  request jsonb NOT NULL,
  pushed boolean NOT NULL,
  created_at timestamptz NOT NULL,
  shown_at timestamptz,
  expires_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX authorization_request_by_expiry ON authorization_request (expires_at);
--> statement-breakpoint
-- Used codes are kept for a day, so that a second use is known as one.
CREATE TABLE authorization_code (
  digest text PRIMARY KEY,
  client_id text NOT NULL,
  redirect_uri text NOT NULL,
  code_challenge text NOT NULL,
  dpop_key text,
  allowed jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  redeemed_at timestamptz
);
--> statement-breakpoint
CREATE INDEX authorization_code_by_expiry ON authorization_code (expires_at);
--> statement-breakpoint
-- What a person allowed an application in words: a row for each time that more was given. The newest that is not withdrawn counts.
CREATE TABLE consent (
  id uuid PRIMARY KEY,
  person_id text NOT NULL,
  client_id text NOT NULL,
  audience text NOT NULL,
  version integer NOT NULL,
  scopes jsonb NOT NULL,
  -- The names and words that the person read.
  shown jsonb NOT NULL,
  given_at timestamptz NOT NULL,
  withdrawn_at timestamptz,
  UNIQUE (person_id, client_id, audience, version)
);
--> statement-breakpoint
-- The words for audiences and scopes, as the clients file declares them.
CREATE TABLE audience_words (audience text PRIMARY KEY, words jsonb NOT NULL, updated_at timestamptz NOT NULL);
