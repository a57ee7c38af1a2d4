-- Each code is rewritten when it is redeemed, each family at every refresh, each use when it is counted again. With room on its page a row is
-- rewritten without touching an index.
ALTER TABLE authorization_code SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE refresh_family SET (fillfactor = 70);
--> statement-breakpoint
ALTER TABLE delegation_use SET (fillfactor = 70);
--> statement-breakpoint
-- `used_at` is only to the hour from here on: it is there to forget what has been idle for long, and is indexed for that.
COMMENT ON COLUMN refresh_family.used_at IS 'when a token of it was last used, to the hour';
