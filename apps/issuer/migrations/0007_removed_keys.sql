-- Keys that a client once had and lost, by kid and thumbprint: no declaration brings them back.
ALTER TABLE client ADD COLUMN removed_keys jsonb NOT NULL DEFAULT '[]';
