-- Reports on API keys that the issuer does not take, apart from those that wait for it: kept for people to examine.
create table api_key_report_refused (
  id uuid primary key,
  report jsonb not null,
  status integer not null,
  refused_at timestamptz not null default clock_timestamp()
);
