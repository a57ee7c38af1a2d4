-- Who called whom, by the hour of the event: counted after intake, a step of the log at a time. Derived from `event`; it can be counted again.
CREATE TABLE call_hour (
  hour timestamptz NOT NULL,
  -- The client that acted; empty where nobody could be verified.
  caller text NOT NULL,
  callee text NOT NULL,
  allowed bigint NOT NULL,
  denied bigint NOT NULL,
  failed bigint NOT NULL,
  -- The log index behind the last of them.
  end_index bigint NOT NULL,
  PRIMARY KEY (hour, caller, callee)
);
--> statement-breakpoint
CREATE TABLE call_progress (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  next_index bigint NOT NULL
);
--> statement-breakpoint
INSERT INTO call_progress (next_index) SELECT coalesce(min(log_index), 0) FROM event;
