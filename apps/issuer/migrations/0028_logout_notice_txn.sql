-- The transaction (RFC 8417) of the request that ended the session; none for notices that were written before.
ALTER TABLE logout_notice ADD COLUMN txn text;
