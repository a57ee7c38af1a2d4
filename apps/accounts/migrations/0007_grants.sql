-- Whoever let an account give without having. An account of a kind that grows by debits, opened when nothing asked for a scope, has nobody's
-- word: it is not debited until someone with accounts:overdraft sets its overdraft rule.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
ALTER TABLE account ADD COLUMN granted_by text;
--> statement-breakpoint
UPDATE account SET granted_by = opened_by WHERE overdraft <> 'forbidden';
--> statement-breakpoint
CREATE FUNCTION grant_of_earlier_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.granted_by := NEW.opened_by;
  RETURN NEW;
END $$;
--> statement-breakpoint
-- A replica of the version before asked for the scope too, but does not write down who had it.
CREATE TRIGGER grant_of_earlier_version BEFORE INSERT OR UPDATE OF overdraft ON account
  FOR EACH ROW WHEN (NEW.overdraft <> 'forbidden' AND NEW.granted_by IS NULL) EXECUTE FUNCTION grant_of_earlier_version();
--> statement-breakpoint
DO $$
BEGIN
  IF session_user = current_user THEN RETURN; END IF;
  EXECUTE 'GRANT UPDATE (granted_by) ON account TO ' || quote_ident(session_user);
END $$;
