-- Events that were committed together, without a change of their own to accompany: one row for all of them, because a row costs PostgreSQL ten times
-- what an event in it costs. The relay takes its numbers, one for each event, from the same counter as those of audit_outbox.
CREATE TABLE IF NOT EXISTS audit_outbox_group (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- A line each.
  events text NOT NULL,
  -- The relay finds a group by a number in it within this limit.
  count integer NOT NULL CHECK (count BETWEEN 1 AND 1000),
  -- The number of the first event; the others follow it.
  sequence bigint,
  published_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
-- Compressing what is deleted a moment later would cost more than all the rest.
ALTER TABLE audit_outbox_group ALTER COLUMN events SET STORAGE EXTERNAL;
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS audit_outbox_group_by_sequence ON audit_outbox_group (sequence, position);
--> statement-breakpoint
-- Each event that waits, whichever table has it, in its order by position: for tests and operators. Nothing on a request's path reads it.
CREATE OR REPLACE VIEW audit_outbox_event AS
  SELECT ARRAY[(extract(epoch FROM created_at) * 1000000)::bigint, 0, position, 0] AS position, id, event, sequence, published_at, created_at
  FROM audit_outbox
  UNION ALL
  SELECT ARRAY[(extract(epoch FROM created_at) * 1000000)::bigint, 1, position, number], (line::jsonb->>'id')::uuid, line::jsonb,
    sequence + number - 1, published_at, created_at
  FROM audit_outbox_group, string_to_table(events, E'\n') WITH ORDINALITY AS line (line, number);
