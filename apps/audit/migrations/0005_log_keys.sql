-- Which keys have signed the log's checkpoints, and from which to which tree size.
CREATE TABLE log_key (
  verifier_key text PRIMARY KEY,
  first_size bigint NOT NULL,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_size bigint NOT NULL,
  last_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
-- Sizes of checkpoints that exports and segments were handed out under; these are never thinned.
CREATE TABLE log_checkpoint_kept (
  tree_size bigint PRIMARY KEY,
  since timestamptz NOT NULL DEFAULT now()
);
