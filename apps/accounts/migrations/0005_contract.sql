-- What only replicas of the first version wrote and read leaves: since 0001 each leg stands in `leg`, and each account names its owner.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
DROP TRIGGER leg_of_earlier_version ON transfer;
--> statement-breakpoint
DROP FUNCTION leg_of_earlier_version;
--> statement-breakpoint
DROP TRIGGER account_of_earlier_version ON account;
--> statement-breakpoint
DROP FUNCTION account_of_earlier_version;
--> statement-breakpoint
ALTER TABLE transfer DROP COLUMN debit_account, DROP COLUMN credit_account, DROP COLUMN amount, DROP COLUMN currency;
