-- What services and audit's own stream sent back to a log that was restored from a backup, until it stands in the log again.
CREATE TABLE recovered_event (
  log_index bigint NOT NULL,
  id uuid NOT NULL,
  event text NOT NULL,
  salts jsonb,
  PRIMARY KEY (log_index, id)
);
