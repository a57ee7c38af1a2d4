-- Those that live are looked through in the order of their ids, to end what is over; each asks whether its session lives.
CREATE INDEX delegation_live ON delegation (id) WHERE ended_at IS NULL;
CREATE INDEX session_by_text ON session ((id::text));

-- The end of a session asks also what was allowed in it and has ended.
CREATE INDEX delegation_of_session ON delegation (session_id);
DROP INDEX delegation_by_session;
