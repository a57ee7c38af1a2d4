-- How far each process that counts the use of API keys has committed its reports, so that one whose answer was lost counts once, whatever has
-- become of its row since.
create table api_key_reporter (
  id uuid primary key,
  last_report bigint not null,
  kept_at timestamptz not null default clock_timestamp()
);
