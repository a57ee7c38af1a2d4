-- The table of PostgresDpopReplayStore, for your own migration. It may run again.
-- DPoP proofs that were used (RFC 9449, section 11.1): each once, at whatever replica. Rows leave when the proof is refused for its age.
create table if not exists dpop_proof (
  id text primary key check (length(id) = 43),
  expires_at timestamptz not null
);
create index if not exists dpop_proof_expires_at on dpop_proof (expires_at);
