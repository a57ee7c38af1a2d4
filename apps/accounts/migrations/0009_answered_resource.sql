-- What a kept answer is about, so that a repeat is recorded on it without reading the answer.
ALTER TABLE idempotency_key ADD COLUMN resource_id text;
