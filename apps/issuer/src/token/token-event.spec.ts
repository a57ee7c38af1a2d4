import { auditEventSchema, EVENT_SIZE_LIMIT } from '@countersign/audit-event';
import { OAuthError, type RequestTrace } from '@countersign/service-host';
import fc from 'fast-check';
import { clientSchema, SCOPES_LIMIT } from '../clients/client.js';
import { claimsForClient } from './grants.js';
import { type TokenDecision } from './token-decisions.js';
import { tokenEvent } from './token-event.js';
import { CLIENT_CREDENTIALS, TOKEN_EXCHANGE } from './token-request.js';

const unnumbered = auditEventSchema.omit({ sequence: true });
const trace: RequestTrace = {
  requestId: 'r',
  traceId: 'a'.repeat(32),
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  method: 'POST',
  route: '/oauth2/token',
  peer: '127.0.0.1',
};
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/);
const scope = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/);
const client = name.map((id) =>
  clientSchema.parse({ client_id: id, trusted_issuers: [{ issuer: 'i', jwks_uri: 'https://i.test', subject: 's' }] }),
);
const request = fc.record({
  grantType: fc.constantFrom(CLIENT_CREDENTIALS, TOKEN_EXCHANGE),
  audience: name,
  scopes: fc.array(scope, { maxLength: SCOPES_LIMIT, size: 'max' }),
  subjectToken: fc.constant(undefined),
});
const refusal = fc.record({
  answer: fc.constant(new OAuthError(400, 'invalid_scope', 'no')),
  reason: fc.constantFrom('invalid_scope', 'CLIENT_UNKNOWN'),
  claimedClientId: fc.option(fc.string({ maxLength: 1_000, unit: 'binary' }), { nil: undefined }),
});
const decision: fc.Arbitrary<TokenDecision> = fc.oneof(
  fc.tuple(client, request).map(([by, asked]) => ({
    client: by,
    request: asked,
    claims: claimsForClient({
      issuer: 'i',
      clientId: by.client_id,
      audience: asked.audience,
      scopes: asked.scopes.length === 0 ? ['s'] : asked.scopes,
      tokenId: 't',
      issuedAt: 1,
      lifetime: 300,
    }),
  })),
  fc.record({ refusal }),
  fc.record({ client, refusal }),
  fc.record({ client, request, refusal }),
);

describe('the event of a decision', () => {
  it('fits the trail, whatever was decided and whoever the caller claimed to be', () => {
    fc.assert(
      fc.property(decision, (decided) => {
        const event = tokenEvent(decided, trace);
        const complete = {
          specversion: '1.0',
          id: '01a21031-6897-71c1-8114-42669a3f0602',
          source: 'issuer',
          time: '2026-11-25T00:00:00.000Z',
          datacontenttype: 'application/json',
          ...event,
        };
        expect(unnumbered.safeParse(complete).error).toBeUndefined();
        expect(JSON.stringify(complete)).not.toMatch(/\\u0000|\\ud[89a-f]/);
        expect(Buffer.byteLength(JSON.stringify(complete))).toBeLessThan(EVENT_SIZE_LIMIT - 64);
      }),
    );
  });
});
