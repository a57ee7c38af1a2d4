-- Applications that are to hear that a person's session ended, until they have: written in the transaction that ends the session.
CREATE TABLE logout_notice (
  id uuid PRIMARY KEY,
  client_id text NOT NULL,
  person_id text NOT NULL,
  session_id uuid NOT NULL,
  attempts integer NOT NULL,
  due_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX logout_notice_due ON logout_notice (due_at);
--> statement-breakpoint
-- What the tokens of a delegation were for, as its person sees it: by the application, or by a service in exchange for the application's token.
CREATE TABLE delegation_use (
  delegation_id uuid NOT NULL,
  client_id text NOT NULL,
  audience text NOT NULL,
  scope text NOT NULL,
  times bigint NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (delegation_id, client_id, audience)
);
