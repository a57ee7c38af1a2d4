-- How often each key was used, where, and what became of it; reported by the services.
CREATE TABLE api_key_usage (
  api_key_id uuid NOT NULL REFERENCES api_key (id),
  hour timestamptz NOT NULL,
  audience text NOT NULL,
  route_class text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('allowed', 'denied', 'limited')),
  count bigint NOT NULL,
  PRIMARY KEY (api_key_id, hour, audience, route_class, outcome)
);
--> statement-breakpoint
CREATE INDEX api_key_usage_by_hour ON api_key_usage (hour);
--> statement-breakpoint
-- Reports that are counted, so that one that is sent again is not.
CREATE TABLE api_key_report_seen (id uuid PRIMARY KEY, seen_at timestamptz NOT NULL);
--> statement-breakpoint
CREATE INDEX api_key_report_seen_by_time ON api_key_report_seen (seen_at);
--> statement-breakpoint
-- Networks that each key came from.
CREATE TABLE api_key_network (
  api_key_id uuid NOT NULL REFERENCES api_key (id),
  network text NOT NULL,
  first_seen_at timestamptz NOT NULL,
  PRIMARY KEY (api_key_id, network)
);
--> statement-breakpoint
-- The last hour for which a key was noted for unusual use.
ALTER TABLE api_key ADD COLUMN unusual_hour timestamptz;
