-- Holds by the accounts of their legs, and transfers by who made them: without an index each of these questions read a whole table. Writers wait
-- while an index is built, some seconds per five million transfers: to spare them that, make the last two with CONCURRENTLY beforehand.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
-- Null in a hold of an earlier version: it is over within 30 days, and `hold_without_accounts` finds it until then.
ALTER TABLE hold ADD COLUMN accounts uuid[];
--> statement-breakpoint
CREATE INDEX hold_by_account ON hold USING gin (accounts) WITH (fastupdate = off) WHERE status = 'held';
--> statement-breakpoint
CREATE INDEX hold_without_accounts ON hold (transfer_id) WHERE status = 'held' AND accounts IS NULL;
--> statement-breakpoint
DROP TRIGGER hold_ends_once ON hold;
--> statement-breakpoint
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold FOR EACH ROW
  WHEN (
    OLD.status <> 'held' OR NEW.status = 'held' OR NEW.transfer_id <> OLD.transfer_id OR NEW.expires_at <> OLD.expires_at
    OR NEW.accounts IS DISTINCT FROM OLD.accounts
  )
  EXECUTE FUNCTION refuse_second_end();
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS transfer_by_subject ON transfer (subject, id);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS transfer_by_client ON transfer (client_id, id);
