-- Revocations stand in one order with clients and keys: each change takes the next number under the registry's row, so that a replica reads
-- exactly what it does not know yet. `issue_after` is behind every token that was issued before the last revocation of a client or a
-- subject; what is issued later says a later time.
ALTER TABLE registry
  ADD COLUMN revocations bigint NOT NULL DEFAULT 0,
  ADD COLUMN issue_after timestamptz NOT NULL DEFAULT 'epoch';
--> statement-breakpoint
ALTER TABLE revocation DROP CONSTRAINT revocation_kind_check;
--> statement-breakpoint
ALTER TABLE revocation
  ADD CONSTRAINT revocation_kind_check CHECK (kind IN ('token', 'transaction', 'client', 'subject', 'key')),
  -- 0: written by an earlier release, and not numbered yet.
  ADD COLUMN changed_in bigint NOT NULL DEFAULT 0;
--> statement-breakpoint
CREATE INDEX revocation_by_number ON revocation (changed_in);
