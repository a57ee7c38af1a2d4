-- What replicas have leased of each limit's window; lost in a crash, which only begins the windows anew.
CREATE UNLOGGED TABLE rate_limit (key varchar(255) PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint);
--> statement-breakpoint
CREATE INDEX rate_limit_by_expiry ON rate_limit (expire);
