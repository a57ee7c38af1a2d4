-- A service has one claim to a place: one that it proves replaces one that it does not. What came back before this is asked for again.
DELETE FROM recovered_event;
--> statement-breakpoint
ALTER TABLE recovered_event DROP CONSTRAINT recovered_event_pkey;
--> statement-breakpoint
ALTER TABLE recovered_event ADD COLUMN source text NOT NULL, ADD COLUMN sequence bigint NOT NULL, ADD COLUMN proven boolean NOT NULL;
--> statement-breakpoint
ALTER TABLE recovered_event ADD PRIMARY KEY (log_index, source);
