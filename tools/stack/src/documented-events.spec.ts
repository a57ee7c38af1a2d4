import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { documentedEvents } from './documented-events.js';

describe('docs/events.md', () => {
  const documented = documentedEvents(readFileSync(resolve(import.meta.dirname, '../../../docs/events.md'), 'utf8'));

  it('is read service by service, with actions, kinds, what `changes` holds, and whether there is a principal', () => {
    expect([...documented.keys()].sort()).toEqual(['accounts', 'audit', 'every-service', 'issuer', 'payments']);
    const payments = documented.get('payments');
    expect(payments?.events['payment.created']).toMatchObject({
      action: ['payments:create'],
      resource: ['payment'],
      changes: { amount: 'minor units and currency', from: 'account' },
      principal: 'always',
    });
    const accounts = documented.get('accounts');
    expect(accounts?.events['transfer.expired']?.principal).toBe('never');
    expect(documented.get('audit')?.events['console-session.ended']?.principal).toBe('sometimes');
    expect(Object.keys(payments?.kinds ?? {})).toEqual(['payment', 'refund', 'webhook', 'idempotency-key']);
  });
});
