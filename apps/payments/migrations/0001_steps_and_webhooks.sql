-- Only adds: a replica of the version before goes on working while this is rolled out. What it no longer needs leaves in a later migration.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
ALTER TABLE payment
  DROP CONSTRAINT payment_status_check,
  ADD CONSTRAINT payment_status_check CHECK (
    status IN ('created', 'held', 'settled', 'partially_refunded', 'refunded', 'failed', 'cancelled', 'expired')
  ),
  ADD COLUMN capture text NOT NULL DEFAULT 'automatic' CHECK (capture IN ('automatic', 'manual')),
  ADD COLUMN captured bigint NOT NULL DEFAULT 0,
  ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
  ADD COLUMN refunding bigint NOT NULL DEFAULT 0,
  ADD COLUMN pending text CHECK (pending IN ('capture', 'cancel')),
  ADD COLUMN pending_amount bigint,
  ADD COLUMN hold_seconds integer,
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN order_until timestamptz NOT NULL DEFAULT now() + interval '16 minutes',
  ADD COLUMN attend_at timestamptz DEFAULT now() + interval '1 minute',
  ADD COLUMN version integer NOT NULL DEFAULT 1;
--> statement-breakpoint
UPDATE payment SET
  captured = CASE status WHEN 'settled' THEN amount ELSE 0 END,
  attend_at = CASE status WHEN 'created' THEN attend_at END;
--> statement-breakpoint
-- Refunds together never exceed what was captured, and a capture never what was paid, whatever the code does.
ALTER TABLE payment ADD CONSTRAINT payment_sums_check CHECK (
  captured BETWEEN 0 AND amount AND refunded >= 0 AND refunding >= 0 AND refunded + refunding <= captured
);
--> statement-breakpoint
CREATE FUNCTION check_payment_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NEW.status <> ALL (CASE OLD.status
    WHEN 'created' THEN ARRAY['held', 'settled', 'failed']
    WHEN 'held' THEN ARRAY['settled', 'cancelled', 'expired']
    WHEN 'settled' THEN ARRAY['partially_refunded', 'refunded']
    WHEN 'partially_refunded' THEN ARRAY['refunded']
    ELSE ARRAY[]::text[] END)
  THEN
    RAISE EXCEPTION 'a % payment cannot become %', OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
  END IF;
  -- A replica of the version before counts no versions and knows no sums.
  IF NEW.version = OLD.version THEN
    NEW.version := OLD.version + 1;
    IF NEW.status <> 'created' THEN NEW.attend_at := NULL; END IF;
    IF NEW.status = 'settled' THEN NEW.captured := NEW.amount; END IF;
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER payment_step BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION check_payment_step();
--> statement-breakpoint
-- Undoes a statement whose row has moved on meanwhile: what goes with a change commits with it, or not at all.
CREATE FUNCTION require_current(matched boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT matched THEN RAISE EXCEPTION 'the row has moved on' USING ERRCODE = 'PY001'; END IF;
  RETURN matched;
END $$;
--> statement-breakpoint
CREATE INDEX payment_to_attend ON payment (attend_at) WHERE attend_at IS NOT NULL;
--> statement-breakpoint
CREATE INDEX payment_by_from_account ON payment (from_account, id DESC);
--> statement-breakpoint
CREATE INDEX payment_by_to_account ON payment (to_account, id DESC);
--> statement-breakpoint
CREATE INDEX payment_by_reference ON payment (client_id, reference, id DESC) WHERE reference <> '';
--> statement-breakpoint
CREATE TABLE refund (
  id uuid PRIMARY KEY,
  payment_id uuid NOT NULL REFERENCES payment (id),
  status text NOT NULL CHECK (status IN ('created', 'settled', 'failed')),
  transfer_id uuid NOT NULL UNIQUE,
  amount bigint NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  reason text NOT NULL,
  failure text,
  order_until timestamptz NOT NULL,
  attend_at timestamptz,
  version integer NOT NULL,
  subject text NOT NULL,
  client_id text NOT NULL,
  actors text[] NOT NULL,
  txn text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX refund_by_payment ON refund (payment_id, id);
--> statement-breakpoint
CREATE INDEX refund_to_attend ON refund (attend_at) WHERE attend_at IS NOT NULL;
--> statement-breakpoint
ALTER TABLE idempotency_key
  DROP CONSTRAINT idempotency_key_payment_id_fkey,
  ALTER COLUMN payment_id DROP NOT NULL,
  ADD COLUMN resource_id uuid;
--> statement-breakpoint
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);
--> statement-breakpoint
CREATE TABLE webhook_endpoint (
  id uuid PRIMARY KEY,
  client_id text NOT NULL,
  url text NOT NULL CHECK (length(url) <= 2048),
  types text[] NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'gone', 'removed')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX webhook_endpoint_by_client ON webhook_endpoint (client_id, id) WHERE status <> 'removed';
--> statement-breakpoint
CREATE TABLE webhook_delivery (
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoint (id),
  event_id uuid NOT NULL,
  type text NOT NULL,
  payment_id uuid NOT NULL,
  body text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  last_status integer,
  last_error text,
  created_at timestamptz NOT NULL,
  delivered_at timestamptz,
  PRIMARY KEY (endpoint_id, event_id)
);
--> statement-breakpoint
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at) WHERE status = 'pending';
--> statement-breakpoint
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_at);
