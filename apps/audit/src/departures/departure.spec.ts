import { type AuditEvent } from '@countersign/audit-event';
import { departuresOf, departuresQuerySchema } from './departure.js';

const said = (index: number, name: string, resource: string, more: Partial<AuditEvent['data']> = {}) => ({
  logIndex: BigInt(index),
  event: {
    ...{ specversion: '1.0', id: 'e', source: 'issuer', subject: resource, sequence: '1' },
    ...{ datacontenttype: 'application/json', traceparent: '00-0-0-01' },
    type: `countersign.issuer.${name}.v1`,
    time: `2026-11-0${String(index)}T00:00:00.000Z`,
    data: { principal: null, txn: null, action: 'a', resource, outcome: 'allowed', ...more },
  } as const satisfies AuditEvent,
});

describe('who has departed', () => {
  it('is a person or client that was disabled, and a key that was disabled or revoked', () => {
    const departures = departuresOf([
      said(1, 'person.disabled', 'person/person:a'),
      said(2, 'client.disabled', 'client/shop'),
      said(3, 'api-key.revoked', 'api-key/k'),
      said(4, 'api-key.disabled', 'api-key/l'),
      said(5, 'client.declared', 'client/old', { changes: { after: { status: 'disabled' } } }),
      said(6, 'client.registered', 'client/new'),
    ]);
    expect(departures.map(({ resource, how, log_index: at }) => [resource, how, at])).toEqual([
      ['person/person:a', 'disabled', '1'],
      ['client/shop', 'disabled', '2'],
      ['api-key/k', 'revoked', '3'],
      ['api-key/l', 'disabled', '4'],
      ['client/old', 'disabled', '5'],
    ]);
  });

  it("is back when enabled later, except a revoked key; refusals, and other services' events, change nothing", () => {
    const departures = departuresOf([
      said(1, 'client.disabled', 'client/shop'),
      said(2, 'client.declared', 'client/shop', { changes: { after: { status: 'active' } } }),
      said(3, 'client.disabled', 'client/other', { outcome: 'failed' }),
      said(4, 'api-key.revoked', 'api-key/k'),
      said(5, 'api-key.enabled', 'api-key/k'),
      {
        ...said(6, 'client.disabled', 'client/a'),
        event: { ...said(6, 'client.disabled', 'client/a').event, source: 'payments' },
      },
    ]);
    expect(departures.map(({ resource }) => resource)).toEqual(['api-key/k']);
  });

  it('is asked about by name, once or often, and by nothing else', () => {
    expect(departuresQuerySchema.parse({ of: 'client/https://shop.example/c.json' }).of).toHaveLength(1);
    expect(departuresQuerySchema.parse({ of: ['client/a', 'client/a', 'person/b'] }).of).toEqual([
      'client/a',
      'person/b',
    ]);
    const many = Array.from({ length: 101 }, (_, at) => `client/${String(at)}`);
    for (const asked of ['payment/1', 'client/', [], many])
      expect(departuresQuerySchema.safeParse({ of: asked }).success).toBe(false);
  });
});
