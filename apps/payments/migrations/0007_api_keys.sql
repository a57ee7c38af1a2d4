-- What the replicas share of each API key's limits, and what was counted of their use until the issuer has it.
CREATE TABLE api_key_bucket (
  name text PRIMARY KEY,
  bucket jsonb,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
--> statement-breakpoint
CREATE INDEX api_key_bucket_by_change ON api_key_bucket (changed_at);
--> statement-breakpoint
CREATE TABLE api_key_report (
  id uuid PRIMARY KEY,
  report jsonb NOT NULL,
  kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
--> statement-breakpoint
CREATE INDEX api_key_report_by_time ON api_key_report (kept_at);
