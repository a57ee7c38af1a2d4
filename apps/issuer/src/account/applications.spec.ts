import { delegationIdSchema, type Delegation } from '../delegations/delegation.js';
import { applicationsOf } from './applications.js';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
const id = (digit: number) => delegationIdSchema.parse(`0190a000-0000-7000-8000-00000000000${String(digit)}`);
const delegation = (digit: number, clientId: string, audience: string, scopes: string[]): Delegation => ({
  id: id(digit),
  personId: 'person:a',
  clientId,
  audience,
  scopes,
  sessionId: 's',
  authTime: at(0),
  acr: undefined,
  amr: [],
  roles: [],
  nonce: undefined,
  dpopKey: undefined,
  createdAt: at(digit),
  endedAt: undefined,
});
const use = (digit: number, clientId: string, audience: string, minute: number) => ({
  delegationId: id(digit),
  clientId,
  audience,
  scope: 'a:b',
  times: 1,
  firstAt: at(minute),
  lastAt: at(minute),
});

describe('the applications of a person', () => {
  it('are each listed once, with everything that they may do and were used for, the last used first', () => {
    const applications = applicationsOf(
      [
        delegation(1, 'planner', 'payments', ['payments:read', 'openid']),
        delegation(2, 'planner', 'payments', ['payments:create']),
        delegation(3, 'planner', 'accounts', ['accounts:read']),
        delegation(4, 'shop', 'payments', ['payments:read']),
      ],
      [use(1, 'planner', 'payments', 20), use(2, 'payments', 'accounts', 30), use(4, 'shop', 'payments', 40)],
      [],
    );
    expect(applications.map(({ clientId }) => clientId)).toEqual(['shop', 'planner']);
    expect(applications[1]).toMatchObject({
      allowed: [
        { audience: 'accounts', scopes: ['accounts:read'] },
        { audience: 'payments', scopes: ['openid', 'payments:create', 'payments:read'] },
      ],
      since: at(1),
      lastUsedAt: at(30),
      uses: [{ clientId: 'payments' }, { clientId: 'planner' }],
    });
  });

  it('are listed without having been used', () => {
    const [application] = applicationsOf([delegation(1, 'planner', 'payments', ['payments:read'])], [], []);
    expect(application).toMatchObject({ uses: [], lastUsedAt: undefined });
  });

  it('are listed even if only a consent remains, which would let them return without asking', () => {
    const consent = {
      id: 'c',
      clientId: 'planner',
      audience: 'payments',
      version: 1,
      scopes: ['payments:read'],
      givenAt: at(5),
    };
    expect(applicationsOf([], [], [consent])).toEqual([
      {
        clientId: 'planner',
        allowed: [{ audience: 'payments', scopes: ['payments:read'] }],
        since: at(5),
        uses: [],
        lastUsedAt: undefined,
      },
    ]);
  });
});
