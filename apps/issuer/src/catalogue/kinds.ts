/** What the issuer records something about, each with what its id is. */
export const kinds = {
  'api-key': 'id of an API key (UUIDv7): no secret; `unknown` for what is not a key',
  audience: 'the service that a token is for: its name or URI',
  'authorization-request': 'UUIDv7',
  client: '`client_id`; `unknown` where a caller named none',
  consent: 'UUIDv7, another for each version',
  database: '`issuer`',
  delegation: 'UUIDv7; also the `txn` of its tokens',
  device: 'UUIDv7 of a device that asked to act for a person; no code',
  endpoint: 'an OAuth endpoint: `token`; `consent`; `device`',
  'idempotency-key': 'the key as its caller chose it',
  revocation: '`*`: the list of all; else the name of what was revoked',
  person: '`person:<UUIDv7>`',
  provider: 'the name of an outside OpenID provider',
  'revocation-key': '`kid`',
  session: "UUIDv7 of a person's session in one browser; never its secret",
  'signing-key': '`kid`',
  subject: '`sub`',
  token: '`jti`; `unknown` for what is not a token of this issuer',
  transaction: '`txn`',
} as const;
export type Kind = keyof typeof kinds;
