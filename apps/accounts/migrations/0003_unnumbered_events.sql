-- The relay finds what it has not numbered yet, however much waits for a receipt.
CREATE INDEX audit_outbox_unnumbered ON audit_outbox (position) WHERE sequence IS NULL;
