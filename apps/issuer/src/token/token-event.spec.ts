import { anyText } from '@countersign/arbitraries';
import { auditEventSchema, EVENT_SIZE_LIMIT, type NewAuditEvent } from '@countersign/audit-event';
import { OAuthError, type RequestTrace } from '@countersign/service-host';
import fc from 'fast-check';
import { byClient } from '../authentication/by-client.js';
import { delegationIdSchema, type NewDelegation } from '../delegations/delegation.js';
import { begunEvent } from '../delegations/delegations.service.js';
import { clientSchema, SCOPES_LIMIT } from '../registry/client.js';
import { clientCredentials } from './grants/client-credentials.grant.js';
import { type TokenGrant } from './grants/grant.js';
import { claimsForClient } from './grants/token-parameters.js';
import { type TokenDecision } from './token-decision.js';
import { tokenEvent } from './token-event.js';

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
const request = fc.record({ audience: name, scopes: fc.array(scope, { maxLength: SCOPES_LIMIT, size: 'max' }) });
const grant = fc.constantFrom<TokenGrant>(clientCredentials, { ...clientCredentials, action: 'token:exchange' });
const refusal = fc.record({
  granted: fc.constant(false as const),
  answer: fc.constant(new OAuthError(400, 'invalid_scope', 'no')),
  reason: fc.constantFrom('invalid_scope', 'CLIENT_UNKNOWN'),
  claimedClientId: fc.option(anyText(1_000), { nil: undefined }),
});
const known = fc.oneof(fc.record({}), fc.record({ client }), fc.record({ client, grant, request }));
const decision: fc.Arbitrary<TokenDecision> = fc.oneof(
  fc.tuple(client, grant, request).map(([by, how, asked]) => ({
    granted: true as const,
    client: by,
    assertion: undefined,
    grant: how,
    request: asked,
    subject: undefined,
    proof: undefined,
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
  fc.tuple(known, refusal).map(([learned, refused]) => ({ ...learned, ...refused })),
);

const fitsTrail = (event: NewAuditEvent): void => {
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
};

const delegation: fc.Arbitrary<NewDelegation> = fc.record({
  id: fc.constant(delegationIdSchema.parse('01a21031-6897-71c1-8114-42669a3f0602')),
  personId: fc.constant('person:01a21031-6897-71c1-8114-42669a3f0602'),
  clientId: name,
  audience: name,
  scopes: fc.array(scope, { minLength: 1, maxLength: SCOPES_LIMIT, size: 'max' }),
  sessionId: fc.uuid(),
  authTime: fc.date({ noInvalidDate: true }),
  acr: fc.option(fc.string(), { nil: undefined }),
  amr: fc.array(fc.string()),
  roles: fc.array(fc.string()),
  nonce: fc.option(fc.string(), { nil: undefined }),
  dpopKey: fc.option(fc.base64String(), { nil: undefined }),
  createdAt: fc.date({ noInvalidDate: true }),
});

describe('the event of a delegation that begins', () => {
  it('fits the trail, whatever was allowed to whom', () => {
    fc.assert(
      fc.property(delegation, name, (begins, clientId) => {
        fitsTrail(begunEvent(begins, byClient(clientId, trace, begins.id)));
      }),
    );
  });
});

describe('the event of a decision', () => {
  it('fits the trail, whatever was decided and no matter who the caller claimed to be', () => {
    fc.assert(
      fc.property(decision, (decided) => {
        fitsTrail(tokenEvent(decided, trace));
      }),
    );
  });
});
