-- The issuer's session by which a person signed in (`sid` of the ID token): when the issuer ends it, the console's ends. Unknown for older ones.
ALTER TABLE console_session ADD COLUMN issuer_session text;
--> statement-breakpoint
CREATE INDEX console_session_by_person ON console_session (person);
