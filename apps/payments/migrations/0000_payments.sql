CREATE TABLE payment (
  id uuid PRIMARY KEY,
  status text NOT NULL CHECK (status IN ('created', 'settled', 'failed')),
  transfer_id uuid NOT NULL UNIQUE,
  from_account uuid NOT NULL,
  to_account uuid NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  reference text NOT NULL,
  failure text,
  subject text NOT NULL,
  client_id text NOT NULL,
  actors text[] NOT NULL,
  txn text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX payment_by_client ON payment (client_id, id DESC);
--> statement-breakpoint
CREATE TABLE idempotency_key (
  client_id text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  payment_id uuid NOT NULL REFERENCES payment (id) DEFERRABLE INITIALLY DEFERRED,
  lease_until timestamptz NOT NULL,
  answer jsonb,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, key)
);
-- The outbox's tables are made by libs/audit-client/migrations. A database that version 0.1.0 made has them from here.
