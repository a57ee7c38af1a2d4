-- Endpoints that hear of all payments of their client: every payment looks for them, among all that are the client's.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
CREATE INDEX webhook_endpoint_for_client ON webhook_endpoint (client_id) WHERE reach = 'client' AND status = 'active';
