-- Payments, webhooks and Idempotency-Keys belong to the subject that they were made for; their client reaches them only by a scope that
-- says so. Only adds: a replica of the version before goes on working while this is rolled out.
SET LOCAL lock_timeout = '10s';
--> statement-breakpoint
CREATE INDEX payment_by_subject ON payment (subject, id DESC);
--> statement-breakpoint
CREATE INDEX payment_by_subject_reference ON payment (subject, reference, id DESC) WHERE reference <> '';
--> statement-breakpoint
DROP INDEX payment_by_reference;
--> statement-breakpoint
ALTER TABLE idempotency_key ADD COLUMN subject text NOT NULL DEFAULT '';
--> statement-breakpoint
-- Whose a key is that names no subject: the subject of what its request made or moved, or the client itself.
CREATE FUNCTION subject_of_resource(id uuid, client_id text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT refund.subject FROM refund WHERE refund.id = $1),
    (SELECT payment.subject FROM payment WHERE payment.id = $1),
    $2
  )
$$;
--> statement-breakpoint
UPDATE idempotency_key SET subject = subject_of_resource(coalesce(resource_id, payment_id), client_id);
--> statement-breakpoint
ALTER TABLE idempotency_key
  DROP CONSTRAINT idempotency_key_pkey,
  ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (client_id, subject, key);
--> statement-breakpoint
-- A replica of the version before names no subject. Afterwards, because the payment of the same statement is there only then.
CREATE FUNCTION own_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE idempotency_key SET subject = subject_of_resource(coalesce(NEW.resource_id, NEW.payment_id), NEW.client_id)
    WHERE client_id = NEW.client_id AND subject = '' AND key = NEW.key;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER idempotency_key_owner AFTER INSERT ON idempotency_key
  FOR EACH ROW WHEN (NEW.subject = '') EXECUTE FUNCTION own_idempotency_key();
--> statement-breakpoint
-- `slot`: the endpoint's place among its owner's, of which there are few; two registrations at once never get the same.
ALTER TABLE webhook_endpoint
  ADD COLUMN subject text NOT NULL DEFAULT '',
  ADD COLUMN reach text NOT NULL DEFAULT 'subject' CHECK (reach IN ('subject', 'client')),
  ADD COLUMN slot integer NOT NULL DEFAULT 0;
--> statement-breakpoint
-- Who registered an endpoint was not kept: it is the client's own from now on, and is sent what the client pays for itself.
UPDATE webhook_endpoint SET subject = client_id, slot = numbered.slot
  FROM (SELECT id, row_number() OVER (PARTITION BY client_id ORDER BY id) AS slot FROM webhook_endpoint WHERE status <> 'removed') AS numbered
  WHERE webhook_endpoint.id = numbered.id;
--> statement-breakpoint
UPDATE webhook_endpoint SET subject = client_id WHERE subject = '';
--> statement-breakpoint
-- URLs were kept as they came; blanks at their ends, tabs and newlines were never sent (WHATWG URL, section 4.4).
UPDATE webhook_endpoint SET url = replace(btrim(translate(url, E'\t\n\r', '')), ' ', '%20') WHERE url ~ '\s';
--> statement-breakpoint
CREATE UNIQUE INDEX webhook_endpoint_slot ON webhook_endpoint (subject, client_id, slot) WHERE status <> 'removed';
--> statement-breakpoint
CREATE INDEX webhook_endpoint_by_subject ON webhook_endpoint (subject, id) WHERE status <> 'removed';
--> statement-breakpoint
CREATE FUNCTION own_webhook_endpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.subject := NEW.client_id;
  NEW.slot := 1 + coalesce((SELECT max(slot) FROM webhook_endpoint WHERE subject = NEW.client_id AND client_id = NEW.client_id), 0);
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER webhook_endpoint_owner BEFORE INSERT ON webhook_endpoint
  FOR EACH ROW WHEN (NEW.subject = '') EXECUTE FUNCTION own_webhook_endpoint();
