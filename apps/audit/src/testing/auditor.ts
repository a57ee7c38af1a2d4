import { type Caller } from '@countersign/service-host';

/** An auditor that calls services without a request. */
export const auditor: Caller = {
  token: '',
  principal: {
    subject: 'auditor',
    clientId: 'auditor',
    actors: [],
    scopes: new Set(['audit:read']),
    audience: 'audit',
    issuer: 'https://issuer.test',
    tokenId: 'j',
    txn: 't',
    roles: [],
    amr: [],
    kind: 'service',
    issuedAt: 1_800_000_000,
    expiresAt: 1_800_000_300,
  },
  trace: {
    requestId: 'r',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    traceId: 'a'.repeat(32),
    method: 'GET',
    route: '/events',
    peer: '127.0.0.1',
  },
};
