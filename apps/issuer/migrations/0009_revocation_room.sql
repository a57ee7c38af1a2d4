-- Whose a revoked token is, so that one revocation of the client can take the place of many of its tokens when the bucket fills; and up to
-- which number it has done so.
ALTER TABLE revocation ADD COLUMN client_id text, ADD COLUMN replaces bigint;
