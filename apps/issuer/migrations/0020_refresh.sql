-- The refresh tokens of a delegation: which generation works. No token is kept, nor a digest of one: they are made of the salt and a key.
CREATE TABLE refresh_family (
  delegation_id uuid PRIMARY KEY REFERENCES delegation (id) ON DELETE CASCADE,
  salt text NOT NULL,
  generation integer NOT NULL CHECK (generation >= 0),
  -- When the last generations began, in milliseconds since 1970: a used token brings its successor again for a moment.
  rotations jsonb NOT NULL,
  begun_at timestamptz NOT NULL,
  used_at timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX refresh_family_by_use ON refresh_family (used_at);
