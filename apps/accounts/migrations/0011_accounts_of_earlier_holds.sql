-- Since 0010 a hold names the accounts of its legs. Holds from before get theirs, so that one question finds all holds of an account: each that looked
-- at the earlier ones apart read all of them. Holds wait meanwhile, some 25 seconds per million that have not ended; ended ones stay as they are.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
DROP TRIGGER hold_ends_once ON hold;
--> statement-breakpoint
-- Besides its end, the accounts of a hold that has none may be written, once.
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold FOR EACH ROW
  WHEN (
    OLD.status <> 'held' OR NEW.transfer_id <> OLD.transfer_id OR NEW.expires_at <> OLD.expires_at
    OR (OLD.accounts IS NOT NULL AND NEW.accounts IS DISTINCT FROM OLD.accounts)
    OR (NEW.status = 'held' AND NEW.accounts IS NOT DISTINCT FROM OLD.accounts)
  )
  EXECUTE FUNCTION refuse_second_end();
--> statement-breakpoint
CREATE FUNCTION accounts_of_legs(id uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(DISTINCT account) FROM leg CROSS JOIN unnest(ARRAY[debit_account, credit_account]) AS account WHERE transfer_id = $1
$$;
--> statement-breakpoint
-- A replica of the version before names no accounts. Afterwards, because the legs of the same statement are there only then; as the owner, because the
-- service's role may not write them.
CREATE FUNCTION hold_of_earlier_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE hold SET accounts = accounts_of_legs(NEW.transfer_id) WHERE transfer_id = NEW.transfer_id AND status = 'held';
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER hold_of_earlier_version AFTER INSERT ON hold
  FOR EACH ROW WHEN (NEW.accounts IS NULL) EXECUTE FUNCTION hold_of_earlier_version();
--> statement-breakpoint
UPDATE hold SET accounts = accounts_of_legs(transfer_id) WHERE status = 'held' AND accounts IS NULL;
--> statement-breakpoint
DROP INDEX hold_without_accounts;
