-- Where the database has an owner of its own, the service's role may take a payment or refund forward, and nothing else: what was paid by
-- whom, from where, to where is written once, and neither is ever removed. (Where one role is both, the triggers alone hold the ways.)
DO $$
DECLARE
  service text := quote_ident(session_user);
BEGIN
  IF session_user = current_user THEN RETURN; END IF;
  EXECUTE 'REVOKE UPDATE, DELETE ON payment, refund FROM ' || service;
  EXECUTE 'GRANT UPDATE (status, captured, refunded, refunding, failure, pending, pending_amount, expires_at, order_until, attend_at, version, updated_at) ON payment TO ' || service;
  EXECUTE 'GRANT UPDATE (status, failure, order_until, attend_at, version, updated_at) ON refund TO ' || service;
END $$;
