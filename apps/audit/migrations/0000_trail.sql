CREATE TABLE event (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  source text NOT NULL,
  sequence bigint NOT NULL,
  type text NOT NULL,
  time timestamptz NOT NULL,
  resource text NOT NULL,
  action text NOT NULL,
  outcome text NOT NULL,
  subject text,
  client_id text,
  actors text[] NOT NULL,
  txn text,
  trace_id text,
  event jsonb NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (source, sequence)
);
--> statement-breakpoint
CREATE INDEX event_by_subject ON event (subject, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_client ON event (client_id, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_action ON event (action, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_resource ON event (resource, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_outcome ON event (outcome, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_trace ON event (trace_id, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_txn ON event (txn, position DESC);
--> statement-breakpoint
CREATE INDEX event_by_time ON event (time);
--> statement-breakpoint
CREATE INDEX event_by_actor ON event USING gin (actors);
--> statement-breakpoint
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TABLE dead_letter (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text,
  sequence bigint,
  nats_subject text NOT NULL,
  reason text NOT NULL,
  payload text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (source, sequence)
);
--> statement-breakpoint
CREATE TABLE source_progress (
  source text PRIMARY KEY,
  through bigint NOT NULL,
  advanced_at timestamptz NOT NULL DEFAULT now()
);
-- The outbox's tables are made by libs/audit-client/migrations. A database that version 0.1.0 made has them from here.
