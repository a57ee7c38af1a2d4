-- An endpoint that does not answer rests, so that it takes no places from those that do. Only adds.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
ALTER TABLE webhook_endpoint
  ADD COLUMN failures integer NOT NULL DEFAULT 0,
  ADD COLUMN rest_until timestamptz;
--> statement-breakpoint
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (endpoint_id, next_attempt_at) WHERE status = 'pending';
