-- What a person allows may be taken back before its code is redeemed.
ALTER TABLE authorization_code ADD COLUMN withdrawn_at timestamptz;
