-- Which refresh tokens come to the end of their life, and which have: both are looked for by when they began.
CREATE INDEX refresh_family_by_begin ON refresh_family (begun_at);
