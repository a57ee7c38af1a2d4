-- What a person allowed an application: one row for each code that was redeemed or device that was approved. Its id is the txn of all its
-- access tokens.
CREATE TABLE delegation (
  id uuid PRIMARY KEY,
  person_id text NOT NULL,
  client_id text NOT NULL,
  audience text NOT NULL,
  scopes jsonb NOT NULL,
  session_id text NOT NULL,
  auth_time timestamptz NOT NULL,
  acr text,
  amr jsonb NOT NULL,
  -- As the person had them when it began.
  roles jsonb NOT NULL,
  nonce text,
  dpop_key text,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_because text,
  CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
--> statement-breakpoint
CREATE INDEX delegation_by_person ON delegation (person_id, id) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX delegation_by_session ON delegation (session_id) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX delegation_by_client ON delegation (client_id, id) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX delegation_ended ON delegation (ended_at) WHERE ended_at IS NOT NULL;
