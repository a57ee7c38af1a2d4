CREATE TABLE account (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
  currency char(3) NOT NULL,
  overdraft text NOT NULL CHECK (overdraft IN ('forbidden', 'allowed')),
  credits_minus_debits bigint NOT NULL DEFAULT 0,
  opened_by text NOT NULL,
  opened_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE TABLE transfer (
  id uuid PRIMARY KEY,
  debit_account uuid NOT NULL REFERENCES account (id),
  credit_account uuid NOT NULL REFERENCES account (id),
  amount bigint NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  reference text NOT NULL,
  subject text NOT NULL,
  client_id text NOT NULL,
  actors text[] NOT NULL,
  txn text NOT NULL,
  posted_at timestamptz NOT NULL,
  CHECK (debit_account <> credit_account)
);
--> statement-breakpoint
CREATE TABLE entry (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transfer_id uuid NOT NULL REFERENCES transfer (id),
  account_id uuid NOT NULL REFERENCES account (id),
  side text NOT NULL CHECK (side IN ('debit', 'credit')),
  amount bigint NOT NULL CHECK (amount > 0),
  balance_after bigint NOT NULL,
  posted_at timestamptz NOT NULL,
  UNIQUE (transfer_id, side)
);
--> statement-breakpoint
CREATE INDEX entry_by_account ON entry (account_id, position DESC);
--> statement-breakpoint
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: a correction is a new transfer', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- The outbox's tables are made by libs/audit-client/migrations. A database that version 0.1.0 made has them from here.
