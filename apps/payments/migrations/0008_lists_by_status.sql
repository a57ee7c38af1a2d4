-- Lists by status, and a client's payments by reference, without reading all that are of other ones. Writers wait while an index is built, some
-- seconds per five million rows: to spare them that, make these with CONCURRENTLY beforehand.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS webhook_delivery_by_status ON webhook_delivery (endpoint_id, status, event_id);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS payment_by_subject_status ON payment (subject, status, id DESC);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS payment_by_client_status ON payment (client_id, status, id DESC);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS payment_by_client_reference ON payment (client_id, reference, id DESC) WHERE reference <> '';
