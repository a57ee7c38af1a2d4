-- Where the database has an owner of its own, the service's role may add to the books and change what must change, and nothing else.
-- (Where one role is both, the triggers alone keep the books.)
DO $$
DECLARE
  service text := quote_ident(session_user);
BEGIN
  IF session_user = current_user THEN RETURN; END IF;
  EXECUTE 'REVOKE ALL ON account, transfer, leg, hold, entry FROM ' || service;
  EXECUTE 'GRANT SELECT, INSERT ON account, transfer, leg, hold, entry TO ' || service;
  EXECUTE 'GRANT UPDATE (credits_minus_debits, held, changed_at, status) ON account TO ' || service;
  EXECUTE 'GRANT UPDATE (status, posted_amount, ended_at, ended_by_subject, ended_by_client_id, ended_by_actors, ended_by_txn) ON hold TO ' || service;
END $$;
