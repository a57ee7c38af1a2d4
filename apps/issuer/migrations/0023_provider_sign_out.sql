-- The provider's ID token, encrypted under the secret in the browser's cookie, with which a person signs out there too.
ALTER TABLE session ADD COLUMN provider_hint text;
--> statement-breakpoint
-- People who were sent to a provider to sign out, for at most ten minutes.
CREATE TABLE provider_sign_out (
  state_digest text PRIMARY KEY,
  browser_digest text NOT NULL,
  provider text NOT NULL,
  leads_to text,
  started_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX provider_sign_out_by_start ON provider_sign_out (started_at);
