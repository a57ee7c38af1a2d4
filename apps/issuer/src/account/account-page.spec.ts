import { delegationIdSchema } from '../delegations/delegation.js';
import { html } from '../pages/html.js';
import { accountPage } from './account-page.js';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
const usesOf = (count: number) =>
  Array.from({ length: count }, (_, minute) => ({
    ...{ delegationId: delegationIdSchema.parse('0190a000-0000-7000-8000-000000000001'), clientId: 'planner' },
    ...{ audience: `service-${String(minute)}`, scope: 'a:b', times: 1, firstAt: at(minute), lastAt: at(minute) },
  }));
const pageWith = (uses: number, more = { applications: false, sessions: false }): string =>
  accountPage({
    more,
    ...{ issuer: 'https://issuer.test', formToken: html``, words: {}, sessions: [], own: '', email: undefined },
    ...{ provider: 'Company', roles: [], nameOf: (clientId: string) => clientId },
    applications: [{ clientId: 'planner', allowed: [], since: at(0), uses: usesOf(uses), lastUsedAt: at(0) }],
  }).toString();

it('the account page says how many uses of an application it leaves out', () => {
  expect(pageWith(12).match(/; once, last/g)?.length).toBe(10);
  expect(pageWith(12)).toContain('and 2 more');
  expect(pageWith(10)).not.toContain('more');
});

it('the account page says that there are more applications and sessions than it shows', () => {
  expect(pageWith(0)).not.toMatch(/more/);
  expect(pageWith(0, { applications: true, sessions: false })).toMatch(/You allowed more, before these/);
  expect(pageWith(0, { applications: false, sessions: true })).toMatch(/There are more, last used before these/);
});
