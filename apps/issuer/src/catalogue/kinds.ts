/** The kinds of things that the issuer records events about, each with the meaning of its id. */
export const kinds = {
  'api-key': 'id of an API key (UUIDv7), which is not secret; `unknown` if it is not a key',
  audience: 'the service that a token is for: its name or URI',
  'authorization-request': 'UUIDv7',
  client: '`client_id`; `unknown` if the caller named none',
  consent: 'UUIDv7, a new one for each version',
  database: '`issuer`',
  delegation: 'UUIDv7; also the `txn` of its tokens',
  device: 'UUIDv7 of a device that asked to act for a person; not its code',
  endpoint: 'an OAuth endpoint: `token`; `consent`; `device`',
  'idempotency-key': 'the key as its caller chose it',
  revocation: 'always `*`: the whole list',
  person: '`person:<UUIDv7>`; another `sub` if `userinfo.read` was denied for it',
  provider: 'the name of an outside OpenID provider',
  'revocation-key': '`kid`',
  session: "UUIDv7 of a person's session in one browser; never its secret",
  'signing-key': '`kid`',
  subject: '`sub`',
  token: '`jti`; `unknown` if it is not a token of this issuer',
  transaction: '`txn`',
} as const;
export type Kind = keyof typeof kinds;
