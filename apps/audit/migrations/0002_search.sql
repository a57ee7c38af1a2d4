-- Events are found by an inverted index that is made after intake, a step of the log at a time: intake pays for no index but its keys.
DROP INDEX event_by_subject, event_by_client, event_by_action, event_by_resource, event_by_outcome, event_by_trace, event_by_txn, event_by_time, event_by_actor;
--> statement-breakpoint
CREATE FUNCTION term_of(field text, value text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN hashtextextended(field || '=' || value, 0);
--> statement-breakpoint
-- Words are parted by whatever is ASCII and no letter, digit or hyphen; the case of ASCII letters is folded.
CREATE FUNCTION words_of(said text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN array_remove(regexp_split_to_array(lower(said COLLATE "C"), '[\x01-\x2c\x2e-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+'), '');
--> statement-breakpoint
-- The fields that free text looks into.
CREATE FUNCTION text_of(event jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN concat_ws(' ', event #>> '{data,resource}', event #>> '{data,action}', event #>> '{data,principal,subject}',
    event #>> '{data,principal,client_id}', event #>> '{data,reason}', event #>> '{data,request,route}',
    (SELECT string_agg(said #>> '{}', ' ')
     FROM jsonb_path_query(event, 'strict $.data.changes.** ? (@.type() == "string")', '{}', true) AS said));
--> statement-breakpoint
CREATE TABLE posting (
  term bigint NOT NULL,
  segment integer NOT NULL,
  dense boolean NOT NULL DEFAULT false,
  offsets bytea NOT NULL,
  PRIMARY KEY (term, segment)
) WITH (toast_tuple_target = 4080);
--> statement-breakpoint
ALTER TABLE posting ALTER COLUMN offsets SET STORAGE EXTERNAL;
--> statement-breakpoint
CREATE INDEX posting_by_segment ON posting USING brin (segment) WITH (pages_per_range = 32, autosummarize = on);
--> statement-breakpoint
CREATE TABLE posting_span (
  first_index bigint PRIMARY KEY,
  end_index bigint NOT NULL,
  min_time timestamptz NOT NULL,
  max_time timestamptz NOT NULL
);
