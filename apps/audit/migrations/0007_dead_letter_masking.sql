-- Personal data in dead letters is masked as it is in the log: `payload` is what is shown; `original` is what a replay takes, until it is erased.
ALTER TABLE dead_letter ADD COLUMN original text;
--> statement-breakpoint
ALTER TABLE dead_letter ADD COLUMN subject text;
--> statement-breakpoint
ALTER TABLE dead_letter ADD COLUMN event_id uuid;
--> statement-breakpoint
-- Whether the masking policy was applied; what is from before this migration is masked by the service.
ALTER TABLE dead_letter ADD COLUMN masked boolean NOT NULL DEFAULT false;
--> statement-breakpoint
ALTER TABLE dead_letter ADD COLUMN erased_at timestamptz;
--> statement-breakpoint
CREATE INDEX dead_letter_by_subject ON dead_letter (subject) WHERE subject IS NOT NULL;
--> statement-breakpoint
CREATE INDEX dead_letter_unmasked ON dead_letter (position) WHERE NOT masked;
