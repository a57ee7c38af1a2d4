import { randomBytes } from 'node:crypto';
import { uuidv7, type AuditEvent } from '@countersign/audit-event';
import fc from 'fast-check';
import { mask, maskAgain, opens, parseMaskedPaths, SALT_SIZE } from './masking.js';

const salt = (): Buffer => randomBytes(SALT_SIZE);
const eventOf = (changes: Record<string, unknown> | undefined): AuditEvent => ({
  specversion: '1.0',
  id: uuidv7(),
  source: 'payments',
  type: 'countersign.payments.payment.read.v1',
  time: '2026-01-01T00:00:00.000Z',
  subject: 'payment/1',
  datacontenttype: 'application/json',
  sequence: '1',
  data: {
    principal: null,
    txn: null,
    action: 'payments:read',
    resource: 'payment/1',
    outcome: 'allowed',
    request: { method: 'GET', route: '/payments/:id', id: 'r', peer: '192.0.2.7' },
    ...(changes === undefined ? {} : { changes }),
  },
});

describe('the policy of masking', () => {
  it('names fields that can be masked, and nothing that searches and proofs need', () => {
    expect(parseMaskedPaths('request.peer, changes.holder.name')).toEqual([
      ['request', 'peer'],
      ['changes', 'holder', 'name'],
    ]);
    expect(parseMaskedPaths('')).toEqual([]);
    for (const wrong of [
      'resource',
      'principal.subject',
      'request.route',
      'changes',
      'changes.',
      'changes..a',
      'x,request.peer',
    ]) {
      expect([wrong, parseMaskedPaths(wrong)]).toEqual([wrong, undefined]);
    }
  });
});

describe('masking', () => {
  const policy = [
    ['request', 'peer'],
    ['changes', 'email'],
    ['changes', 'holder', 'name'],
  ] as const;

  it('replaces the values by commitments, and leaves the rest unchanged', () => {
    const event = eventOf({ email: 'ada@example.org', holder: { name: 'Ada', since: 1815 }, amount: '7' });
    const { event: shown, masked } = mask(event, policy, salt);
    expect(masked.map(({ path, value }) => [path, value])).toEqual([
      ['request.peer', '192.0.2.7'],
      ['changes.email', 'ada@example.org'],
      ['changes.holder.name', 'Ada'],
    ]);
    const text = JSON.stringify(shown);
    for (const secret of ['192.0.2.7', 'ada@example.org', 'Ada']) expect(text).not.toContain(secret);
    expect(shown.data.changes).toMatchObject({ holder: { since: 1815 }, amount: '7' });
    expect(shown.data.request).toMatchObject({ method: 'GET', route: '/payments/:id', id: 'r' });
    expect(event.data.changes).toMatchObject({ email: 'ada@example.org' });
  });

  it('replaces a whole list if the field is in its members, and masks it the same way again', () => {
    const byTwo = [
      ['changes', 'holders', 'email'],
      ['changes', 'holders', 'name'],
    ] as const;
    for (const holders of [
      [{ since: 1815 }, { email: 'ada@example.org', name: 'Ada' }],
      [[{ email: 'ada@example.org' }], 7],
    ]) {
      const event = eventOf({ holders, amount: '7' });
      const { event: shown, masked } = mask(event, byTwo, salt);
      expect(masked.map(({ path, value }) => [path, value])).toEqual([['changes.holders', holders]]);
      expect(shown.data.changes).toEqual({ holders: expect.stringMatching(/^masked:/), amount: '7' });
      const salts = Object.fromEntries(masked.map((one) => [one.path, one.salt.toString('base64url')]));
      expect(maskAgain(event, salts).event).toEqual(shown);
    }
  });

  it('commits once to what a policy names twice, or as a list and as a field of its members', () => {
    const named = parseMaskedPaths('request.peer,changes.holders.name,request.peer,changes.holders') ?? [];
    const event = eventOf({ holders: [{ name: 'Ada' }] });
    const { event: shown, masked } = mask(event, named, salt);
    expect(masked.map(({ path }) => path)).toEqual(['request.peer', 'changes.holders']);
    for (const { path, ...value } of masked) {
      const said = path === 'request.peer' ? shown.data.request?.peer : shown.data.changes?.['holders'];
      expect(opens(String(said), value)).toBe(true);
    }
  });

  it('ignores missing fields', () => {
    for (const changes of [
      undefined,
      {},
      { holder: 'Ada' },
      { holder: ['name'] },
      { holder: [{ title: 'name' }] },
      { email: null },
    ]) {
      const event = eventOf(changes);
      expect(mask(event, policy.slice(1), salt)).toEqual({ event, masked: [] });
    }
  });

  it('commits to any value: it opens only with its own value and salt', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
        fc.pre(value !== null && JSON.stringify(value) !== JSON.stringify(other));
        const { event, masked } = mask(eventOf({ email: value }), [['changes', 'email']], salt);
        const commitment = String(event.data.changes?.['email']);
        const [kept] = masked;
        expect(kept !== undefined && opens(commitment, kept)).toBe(true);
        expect(opens(commitment, { value, salt: salt() })).toBe(false);
        if (kept !== undefined && JSON.stringify(value) !== JSON.stringify(other) && Object(value) !== value) {
          expect(opens(commitment, { value: other, salt: kept.salt })).toBe(false);
        }
      }),
    );
  });
});
