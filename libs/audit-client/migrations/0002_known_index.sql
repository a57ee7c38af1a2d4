-- What proves to audit that it sent this source the log index of the place that an event is part of.
ALTER TABLE audit_kept ADD COLUMN IF NOT EXISTS known text;
