-- What is asked of dead letters, without reading those that were replayed or erased long ago: they stay for ever.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
CREATE INDEX dead_letter_masked_by_subject ON dead_letter (subject, position) WHERE original IS NOT NULL;
--> statement-breakpoint
CREATE INDEX dead_letter_masked_by_event ON dead_letter (event_id, position) WHERE original IS NOT NULL;
--> statement-breakpoint
DROP INDEX dead_letter_by_subject;
--> statement-breakpoint
CREATE INDEX dead_letter_waiting ON dead_letter (position) WHERE replayed_at IS NULL AND erased_at IS NULL;
--> statement-breakpoint
CREATE INDEX dead_letter_with_content ON dead_letter (position, received_at) WHERE payload <> '';
