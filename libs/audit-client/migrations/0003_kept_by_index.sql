-- What is kept by its log indices: the relay asks for the highest whenever it begins, and audit for all from one on after it was restored.
CREATE INDEX IF NOT EXISTS audit_kept_by_index ON audit_kept ((first_index + (last_sequence - first_sequence)), position)
  WHERE first_index IS NOT NULL;
