-- What may be changed of an account after its opening: its overdraft rule, which the check constraint still bounds, and its metadata.
DO $$
BEGIN
  IF session_user = current_user THEN RETURN; END IF;
  EXECUTE 'GRANT UPDATE (overdraft, overdraft_limit, metadata) ON account TO ' || quote_ident(session_user);
END $$;
