-- Other claims to the id or the number of an event that came back, without reading all that came back: it can be more than memory holds.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
CREATE INDEX recovered_event_by_id ON recovered_event (id);
--> statement-breakpoint
CREATE INDEX recovered_event_by_number ON recovered_event (source, sequence);
