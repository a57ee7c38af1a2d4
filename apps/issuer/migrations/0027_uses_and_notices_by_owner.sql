-- The uses of a delegation go with it: to look for those whose delegation is gone read both tables whole every five minutes, on each replica.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
DELETE FROM delegation_use WHERE NOT EXISTS (SELECT FROM delegation WHERE delegation.id = delegation_use.delegation_id);
--> statement-breakpoint
-- Notices are taken client by client, however many wait for one that does not answer.
CREATE INDEX logout_notice_by_client ON logout_notice (client_id, due_at);
--> statement-breakpoint
DROP INDEX logout_notice_due;
