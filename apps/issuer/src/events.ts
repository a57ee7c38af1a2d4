import { defineEvents } from '@countersign/audit-event';

const keyChanges = {
  state: 'before and after: `pending`, `active`, `retired` or `removed`; before is null for a new key',
};
const revocationChanges = {
  until: 'when the entry leaves the list, because nothing that it refuses can still be in use',
  issued_before: 'of a client or a subject: what was issued until then is refused',
  reason: 'as given, for people',
  configuration: 'the variable that set it off, where nobody asked for it',
};

/** What is done under an Idempotency-Key. */
const keyed = [
  'client:register',
  'client:declare',
  'client:disable',
  'client:enable',
  'client-key:add',
  'client-secret:add',
  'signing-key:rotate',
  'signing-key:revoke',
  'revocation-key:rotate',
  'revocation-key:revoke',
  'revocation:create',
];

/** Everything that the issuer records: the only place where its event types, actions and kinds of resource are written. */
export const events = defineEvents({
  source: 'issuer',
  kinds: {
    audience: 'the service that a token is for: its name or URI',
    client: '`client_id`; `unknown` where a caller named none',
    database: '`issuer`',
    delegation: 'UUIDv7; also the `txn` of its tokens',
    endpoint: 'an OAuth endpoint: `token`',
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
  },
  events: {
    'token.issued': {
      when: 'A token was issued or exchanged.',
      action: ['token:issue', 'token:exchange'],
      resource: 'audience',
      changes: {
        audience: 'whom the token is for',
        scope: 'the scopes asked for, which are those given',
        jti: "the token's id",
        expires_at: 'when it ends',
        bound_to: 'thumbprint of the key that it is bound to (DPoP)',
      },
    },
    'token.refused': {
      when: 'A token was asked for and refused. Beyond a rate limit, the first refusal of a window.',
      action: ['token:issue', 'token:exchange'],
      resource: ['audience', 'endpoint'],
      changes: {
        audience: 'the audience asked for',
        scope: 'the scopes asked for',
        claimed_client_id: 'whom the caller claimed to be without proving it',
      },
    },
    'token.introspected': {
      when: 'A client asked about a token. Outcome `allowed`: it was shown the claims; else the answer was `{"active": false}`, and the reason says why.',
      action: 'token:introspect',
      resource: 'token',
    },
    'token.introspect_refused': {
      when: 'Introspection was refused: the client was not authenticated, or is beyond its rate limit (the first of a window).',
      action: 'token:introspect',
      resource: 'client',
    },
    'token.revoke_ignored': {
      when: 'A client asked to revoke what is not a token of this issuer, has expired or is revoked already; the answer is the same as for a token that was revoked (RFC 7009).',
      action: 'token:revoke',
      resource: 'token',
    },
    'token.revoke_refused': {
      when: "Revocation was refused: the client was not authenticated, is beyond its rate limit (the first of a window), or the token is another client's.",
      action: 'token:revoke',
      resource: ['client', 'token'],
    },
    'token.revoked': {
      when: 'A token was revoked.',
      action: 'token:revoke',
      resource: 'token',
      changes: revocationChanges,
    },
    'transaction.revoked': {
      when: 'A transaction was revoked: a token and everything exchanged for it.',
      action: 'transaction:revoke',
      resource: 'transaction',
      changes: revocationChanges,
    },
    'client.revoked': {
      when: 'What a client stands in was revoked: by an administrator, with the client when it was disabled, or because its tokens filled the list.',
      action: 'client:revoke',
      resource: 'client',
      changes: revocationChanges,
    },
    'subject.revoked': {
      when: 'What a subject stands in was revoked.',
      action: 'subject:revoke',
      resource: 'subject',
      changes: revocationChanges,
    },
    'key.revoked': {
      when: 'What a signing key signed was revoked.',
      action: 'key:revoke',
      resource: 'signing-key',
      changes: revocationChanges,
    },
    'revocation.refused': {
      when: 'An administrator asked for a revocation that cannot be made.',
      action: ['token:revoke', 'transaction:revoke', 'client:revoke', 'subject:revoke', 'key:revoke'],
      resource: ['token', 'transaction', 'client', 'subject', 'signing-key'],
    },
    'revocations.listed': {
      when: 'The list of revocations was shown.',
      action: 'revocation:list',
      resource: 'revocation',
    },
    'client.registered': {
      when: 'A client was registered.',
      action: 'client:register',
      resource: 'client',
      changes: { before: 'null', after: 'the registration, without secrets' },
    },
    'client.replaced': {
      when: 'A client got another registration.',
      action: 'client:replace',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client.disabled': {
      when: 'A client was disabled.',
      action: 'client:disable',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client.enabled': {
      when: 'A client was enabled again.',
      action: 'client:enable',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client.declared': {
      when: 'The declared file, or a call that applies one, registered, changed or disabled a client.',
      action: 'client:declare',
      resource: 'client',
      changes: { before: 'the registration, or null', after: 'the registration' },
    },
    'client.compared': {
      when: 'An administrator had declared clients compared with those registered, and nothing was changed: a dry run, or no difference.',
      action: 'client:declare',
      resource: 'client',
      changes: { dry_run: 'whether nothing was to be changed', differing: 'the clients that differ: how many' },
    },
    'client-key.added': {
      when: 'A client got one more public key.',
      action: 'client-key:add',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client-key.removed': {
      when: 'A public key of a client was removed.',
      action: 'client-key:remove',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client-secret.added': {
      when: 'A secret was made for a client.',
      action: 'client-secret:add',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client-secret.removed': {
      when: 'A secret of a client was ended.',
      action: 'client-secret:remove',
      resource: 'client',
      changes: { before: 'the registration', after: 'the registration' },
    },
    'client.change_refused': {
      when: 'A change of a client was asked for that cannot be made.',
      action: [
        'client:register',
        'client:replace',
        'client:disable',
        'client:enable',
        'client-key:add',
        'client-key:remove',
        'client-secret:add',
        'client-secret:remove',
      ],
      resource: 'client',
    },
    'client.looked-at': {
      when: 'A client, or a page of all of them, was shown.',
      action: ['client:read', 'client:list'],
      resource: 'client',
      changes: { cursor: 'of a list: where the page begins', limit: 'of a list: how many were asked for' },
    },
    'delegation.begun': {
      when: "A person's application redeemed a code, or a device was approved: from now on it may act for the person.",
      action: 'delegation:begin',
      resource: 'delegation',
      changes: {
        person: 'for whom',
        client_id: 'which application',
        audience: 'at which service',
        scope: 'with which rights',
        bound_to: 'thumbprint of the key that its tokens are bound to (DPoP)',
      },
    },
    'delegation.ended': {
      when: 'What a person allowed an application ended, and its tokens are refused everywhere.',
      action: 'delegation:end',
      resource: 'delegation',
      changes: {
        person: 'for whom it was',
        client_id: 'which application had it',
        because: '`BY_PERSON`, `SESSION_ENDED`, `BY_CLIENT`, `BY_ADMIN`, `CODE_REPLAYED` or `REFRESH_REPLAYED`',
      },
    },
    'signing-key.created': {
      when: 'A signing key was made, or taken from a file.',
      action: 'signing-key:create',
      resource: 'signing-key',
      changes: keyChanges,
    },
    'signing-key.activated': {
      when: 'The schedule let the pending signing key take over.',
      action: 'signing-key:activate',
      resource: 'signing-key',
      changes: { ...keyChanges, retired: '`kid` of the key before' },
    },
    'signing-key.rotated': {
      when: 'An administrator let the pending signing key take over.',
      action: 'signing-key:rotate',
      resource: 'signing-key',
      changes: { ...keyChanges, retired: '`kid` of the key before' },
    },
    'signing-key.removed': {
      when: 'A retired signing key left the JWKS.',
      action: 'signing-key:remove',
      resource: 'signing-key',
      changes: keyChanges,
    },
    'signing-key.revoked': {
      when: 'An administrator took a signing key out of the JWKS at once.',
      action: 'signing-key:revoke',
      resource: 'signing-key',
      changes: { ...keyChanges, revoked: 'before and after: before is true where it had been revoked already' },
    },
    'signing-key.change_refused': {
      when: 'A change of the signing keys was asked for that cannot be made.',
      action: ['signing-key:rotate', 'signing-key:revoke'],
      resource: 'signing-key',
    },
    'signing-key.looked-at': {
      when: 'The signing keys were shown.',
      action: 'signing-key:list',
      resource: 'signing-key',
    },
    'revocation-key.created': {
      when: 'A key that signs what is revoked was made.',
      action: 'revocation-key:create',
      resource: 'revocation-key',
      changes: keyChanges,
    },
    'revocation-key.activated': {
      when: 'The schedule let the pending revocation key take over.',
      action: 'revocation-key:activate',
      resource: 'revocation-key',
      changes: { ...keyChanges, retired: '`kid` of the key before' },
    },
    'revocation-key.rotated': {
      when: 'An administrator let the pending revocation key take over.',
      action: 'revocation-key:rotate',
      resource: 'revocation-key',
      changes: { ...keyChanges, retired: '`kid` of the key before' },
    },
    'revocation-key.removed': {
      when: 'A retired revocation key left its JWKS.',
      action: 'revocation-key:remove',
      resource: 'revocation-key',
      changes: keyChanges,
    },
    'revocation-key.revoked': {
      when: 'An administrator took a revocation key out of its JWKS at once.',
      action: 'revocation-key:revoke',
      resource: 'revocation-key',
      changes: { ...keyChanges, revoked: 'before and after: before is true where it had been revoked already' },
    },
    'revocation-key.change_refused': {
      when: 'A change of the revocation keys was asked for that cannot be made.',
      action: ['revocation-key:rotate', 'revocation-key:revoke'],
      resource: 'revocation-key',
    },
    'revocation-key.looked-at': {
      when: 'The revocation keys were shown.',
      action: 'revocation-key:list',
      resource: 'revocation-key',
    },
    'answer.replayed': {
      when: 'The stored answer of an Idempotency-Key was given again: it shows what the first one showed, a secret too.',
      action: keyed,
      resource: ['client', 'signing-key', 'revocation-key', 'revocation'],
    },
    'idempotency-key.refused': {
      when: 'A key was used with another body (`IDEMPOTENCY_KEY_REUSED`), or while its first request runs (`IDEMPOTENCY_IN_FLIGHT`).',
      action: keyed,
      resource: 'idempotency-key',
    },
    'person.signed_in': {
      when: 'A person signed in at an outside provider.',
      action: 'person:sign-in',
      resource: 'person',
      changes: {
        provider: 'where, by its declared name',
        first: 'whether nobody knew the person before',
        roles: 'before and after, by the declared mapping; before is null for somebody new',
        session: 'the session that began or went on',
        renewed: 'whether a session of the same person went on in this browser, under a new secret',
        authenticated_at: 'when the person proved to the provider who they are',
        acr: 'how well, as the provider says',
        amr: 'by what means, as the provider says',
      },
    },
    'person.sign_in_refused': {
      when: "A provider's answer to a sign-in that was started here signed nobody in: it did not hold, or the person is disabled.",
      action: 'person:sign-in',
      resource: 'provider',
    },
    'session.ended': {
      when: "A person's session ended before its time.",
      action: 'session:end',
      resource: 'session',
      changes: {
        person: 'whose it was',
        because:
          '`sign-out`, `person` (from another session), `admin`, `disabled`, `provider` or `another-person` (who signed in there)',
      },
    },
    'database.restored': {
      when: 'The issuer noticed that its database is older than what it has stated: it was restored from a backup.',
      action: 'database:restore',
      resource: 'database',
      changes: {
        stated_number: 'the number of the last list that the issuer stated',
        revocations_taken_back: 'revocations in force that the database lacked: how many',
      },
    },
    'database.acknowledged': {
      when: 'An administrator has looked after what the backup lacked.',
      action: 'database:acknowledge',
      resource: 'database',
      changes: { restored_at: 'when it was noticed' },
    },
  },
});
