-- Only adds: a replica of the version before goes on working while this is rolled out. What it no longer needs leaves in a later migration.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
ALTER TABLE account
  ADD COLUMN overdraft_limit bigint NOT NULL DEFAULT 0,
  ADD COLUMN status text NOT NULL DEFAULT 'open',
  ADD COLUMN owner text,
  ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN held bigint NOT NULL DEFAULT 0,
  ADD COLUMN changed_at timestamptz;
--> statement-breakpoint
UPDATE account SET owner = opened_by,
  changed_at = greatest(opened_at, (SELECT max(posted_at) FROM entry WHERE account_id = account.id));
--> statement-breakpoint
CREATE FUNCTION account_of_earlier_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.owner := coalesce(NEW.owner, NEW.opened_by);
  NEW.changed_at := coalesce(NEW.changed_at, NEW.opened_at);
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER account_of_earlier_version BEFORE INSERT ON account
  FOR EACH ROW WHEN (NEW.owner IS NULL) EXECUTE FUNCTION account_of_earlier_version();
--> statement-breakpoint
ALTER TABLE account
  ALTER COLUMN owner SET NOT NULL,
  ALTER COLUMN changed_at SET NOT NULL,
  DROP CONSTRAINT account_overdraft_check,
  ADD CONSTRAINT account_overdraft_check CHECK (
    overdraft IN ('forbidden', 'limited', 'allowed') AND overdraft_limit >= 0 AND (overdraft = 'limited' OR overdraft_limit = 0)
  ),
  ADD CONSTRAINT account_status_check CHECK (status IN ('open', 'frozen', 'closed')),
  ADD CONSTRAINT account_held_check CHECK (held >= 0),
  -- The rule of every account, once more, where nobody can pass it by: available >= the overdraft limit.
  ADD CONSTRAINT account_available_check CHECK (
    overdraft = 'allowed'
    OR (CASE WHEN kind IN ('asset', 'expense') THEN -credits_minus_debits ELSE credits_minus_debits END) - held >= -overdraft_limit
  ),
  ADD CONSTRAINT account_closed_check CHECK (status <> 'closed' OR (credits_minus_debits = 0 AND held = 0));
--> statement-breakpoint
CREATE INDEX account_by_owner ON account (owner, id);
--> statement-breakpoint
ALTER TABLE transfer
  ALTER COLUMN debit_account DROP NOT NULL,
  ALTER COLUMN credit_account DROP NOT NULL,
  ALTER COLUMN amount DROP NOT NULL,
  ALTER COLUMN currency DROP NOT NULL,
  ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN corrects uuid REFERENCES transfer (id);
--> statement-breakpoint
CREATE INDEX transfer_by_corrected ON transfer (corrects) WHERE corrects IS NOT NULL;
--> statement-breakpoint
CREATE TABLE leg (
  transfer_id uuid NOT NULL REFERENCES transfer (id),
  number smallint NOT NULL CHECK (number >= 0),
  debit_account uuid NOT NULL REFERENCES account (id),
  credit_account uuid NOT NULL REFERENCES account (id),
  amount bigint NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  PRIMARY KEY (transfer_id, number),
  CHECK (debit_account <> credit_account)
);
--> statement-breakpoint
INSERT INTO leg SELECT id, 0, debit_account, credit_account, amount, currency FROM transfer;
--> statement-breakpoint
CREATE FUNCTION leg_of_earlier_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO leg VALUES (NEW.id, 0, NEW.debit_account, NEW.credit_account, NEW.amount, NEW.currency);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER leg_of_earlier_version AFTER INSERT ON transfer
  FOR EACH ROW WHEN (NEW.debit_account IS NOT NULL) EXECUTE FUNCTION leg_of_earlier_version();
--> statement-breakpoint
CREATE TABLE hold (
  transfer_id uuid PRIMARY KEY REFERENCES transfer (id),
  status text NOT NULL CHECK (status IN ('held', 'posted', 'voided', 'expired')),
  expires_at timestamptz NOT NULL,
  posted_amount bigint CHECK (posted_amount > 0),
  ended_at timestamptz,
  ended_by_subject text,
  ended_by_client_id text,
  ended_by_actors text[],
  ended_by_txn text,
  CHECK ((status = 'held') = (ended_at IS NULL)),
  CHECK (posted_amount IS NULL OR status = 'posted')
);
--> statement-breakpoint
CREATE INDEX hold_by_expiry ON hold (expires_at) WHERE status = 'held';
--> statement-breakpoint
ALTER TABLE entry ADD COLUMN leg smallint NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE entry DROP CONSTRAINT entry_transfer_id_side_key, ADD CONSTRAINT entry_once UNIQUE (transfer_id, leg, side);
--> statement-breakpoint
CREATE INDEX entry_by_account_and_time ON entry (account_id, posted_at DESC, position DESC);
--> statement-breakpoint
DROP INDEX entry_by_account;
--> statement-breakpoint
CREATE TRIGGER leg_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON leg FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER hold_kept BEFORE DELETE OR TRUNCATE ON hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER account_kept BEFORE DELETE OR TRUNCATE ON account FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE FUNCTION refuse_second_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a hold ends once, and only its end may be written' USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold FOR EACH ROW
  WHEN (OLD.status <> 'held' OR NEW.status = 'held' OR NEW.transfer_id <> OLD.transfer_id OR NEW.expires_at <> OLD.expires_at)
  EXECUTE FUNCTION refuse_second_end();
