-- Events are found by the API key that was used. What the index has already is given the term here, by segments of 16,384 log indices as the index has them;
-- places are 16 bits of the log index in its segment, in order.
INSERT INTO posting (term, segment, offsets)
SELECT term_of('api_key', event #>> '{data,principal,api_key,id}'), (log_index / 16384)::integer,
  string_agg(int2send((log_index % 16384)::smallint), ''::bytea ORDER BY log_index)
FROM event
WHERE event #>> '{data,principal,api_key,id}' IS NOT NULL
  AND log_index < coalesce((SELECT end_index FROM posting_span ORDER BY first_index DESC LIMIT 1), 0)
GROUP BY 1, 2
ON CONFLICT (term, segment) DO NOTHING;
