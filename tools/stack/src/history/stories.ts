import { type AuditPrincipal } from '@countersign/audit-event';
import { type Cast } from './cast.js';
import { type Story } from './happening.js';

type Teller = (story: Story, cast: Cast) => void;

interface Who {
  readonly subject: string;
  readonly client: string;
  readonly peer: string;
  readonly key?: { readonly id: string; readonly name: string };
}

export function principal(
  story: Story,
  { subject, client, key }: Omit<Who, 'peer'>,
  scopes: readonly string[],
  actors: readonly string[] = [],
): AuditPrincipal {
  return {
    subject,
    client_id: client,
    actors: [...actors],
    scopes: [...scopes],
    jti: story.id(),
    ...(key === undefined ? {} : { api_key: key }),
  };
}

const euros = (story: Story): { readonly amount: string; readonly currency: string } => ({
  amount: String(story.between(150, 24_000)),
  currency: 'EUR',
});

/** The issuer gives a token. */
export function token(
  story: Story,
  who: Who,
  audience: string,
  scopes: readonly string[],
  grant: 'issue' | 'exchange' | 'refresh' = 'issue',
): void {
  const actors = grant === 'exchange' ? [who.client] : [];
  const given = principal(story, who, scopes, actors);
  story.say('issuer', {
    event: 'token.issued',
    action: `token:${grant}`,
    resource: `audience/${audience}`,
    principal: given,
    route: ['POST', '/oauth2/token'],
    peer: who.peer,
    changes: {
      audience,
      scope: scopes.join(' '),
      jti: given.jti,
      expires_at: new Date(story.at + 300_000).toISOString(),
    },
  });
}

/** A payment, from the token to the money. */
function payment(story: Story, cast: Cast, who: Who, from: string, grant: 'issue' | 'refresh'): void {
  token(story, who, 'payments', ['payments:create'], grant);
  story.wait(20, 400);
  const caller = principal(story, who, ['payments:create']);
  const [id, transfer, amount] = [story.id(), story.id(), euros(story)];
  const resource = `payment/${id}`;
  const route = ['POST', '/payments'] as const;
  const asked = { action: 'payments:create', resource, principal: caller, route, peer: who.peer };
  story.say('payments', {
    event: 'payment.created',
    ...asked,
    changes: { amount, from, to: cast.merchantAccount, capture: 'automatic' },
  });
  token(story, { ...who, client: 'payments', peer: '10.20.0.11' }, 'accounts', ['transfers:create'], 'exchange');
  const acting = principal(story, { ...who, client: 'payments' }, ['transfers:create'], ['payments']);
  const legs = { debit_account: from, credit_account: cast.merchantAccount, amount };
  const moved = {
    action: 'transfers:create',
    resource: `transfer/${transfer}`,
    principal: acting,
    route: ['POST', '/transfers'] as const,
    peer: '10.20.0.11',
  };
  story.wait(5, story.chance(4) ? 4_000 : 90);
  if (story.chance(3)) {
    story.say('accounts', { event: 'transfer.refused', ...moved, outcome: 'denied', reason: 'FUNDS_INSUFFICIENT' });
    const status = { from: 'created', to: 'failed' };
    const reason = 'FUNDS_INSUFFICIENT';
    story.say('payments', { event: 'payment.failed', ...asked, outcome: 'failed', reason, changes: { status } });
    return;
  }
  story.say('accounts', { event: 'transfer.held', ...moved, changes: { ...legs, status: 'pending' } });
  const held = { status: { from: 'created', to: 'held' }, transfer_id: transfer };
  story.say('payments', { event: 'payment.held', ...asked, changes: held });
  story.wait(5, 60);
  story.say('accounts', { event: 'transfer.posted', ...moved, changes: { ...legs, status: 'posted' } });
  const settled = { status: { from: 'held', to: 'settled' }, transfer_id: transfer, captured: amount };
  story.say('payments', { event: 'payment.settled', ...asked, changes: settled });
}

const shopping: Teller = (story, cast) => {
  const { subject, account, peer } = story.pick(cast.customers);
  payment(story, cast, { subject, client: 'corner-shop', peer }, account, 'refresh');
};

const storefront: Teller = (story, cast) => {
  const who = { subject: 'storefront', client: 'storefront', peer: '10.20.0.3' };
  payment(story, cast, who, story.pick(cast.customers).account, 'issue');
};

const signIn: Teller = (story, cast) => {
  const { subject, peer } = story.pick(cast.customers);
  const person = principal(story, { subject, client: 'corner-shop' }, ['openid', 'profile']);
  story.say('issuer', {
    event: 'person.signed_in',
    action: 'person:sign-in',
    resource: `person/${subject}`,
    principal: person,
    route: ['GET', '/sign-in/callback/:provider'],
    peer,
    changes: { provider: 'people', first: false, roles: { before: ['customer'], after: ['customer'] }, amr: ['otp'] },
  });
  story.wait(3_000, 20_000);
  if (story.chance(30)) {
    const [audience, scope] = ['payments', 'payments:create payments:read'];
    const allowed = { client_id: 'corner-shop', audience, scope, version: 1 };
    story.say('issuer', {
      event: 'consent.given',
      action: 'consent:give',
      resource: `consent/${story.id()}`,
      principal: person,
      route: ['POST', '/oauth2/authorize/decision'],
      peer,
      changes: allowed,
    });
  }
  token(story, { subject, client: 'corner-shop', peer }, 'payments', ['payments:create', 'payments:read']);
};

const looking: Teller = (story, cast) => {
  const { subject, account, peer } = story.pick(cast.customers);
  const who = { subject, client: 'corner-shop', peer };
  const caller = principal(story, who, ['accounts:read']);
  story.say('accounts', {
    event: 'account.read',
    action: 'accounts:read',
    resource: `account/${account}`,
    principal: caller,
    route: ['GET', '/accounts/:id'],
    peer,
  });
  if (story.chance(50)) return;
  story.wait(400, 4_000);
  story.say('payments', {
    event: 'payments.listed',
    action: 'payments:read',
    resource: 'payment/*',
    principal: principal(story, who, ['payments:read']),
    route: ['GET', '/payments'],
    peer,
    changes: { shown: Array.from({ length: story.between(0, 5) }, () => story.id()) },
  });
};

/** An application by its API key. */
export function byKey(story: Story, key: Cast['leakedKey'], account: string, peer = key.peer): void {
  const who = { subject: key.client, client: key.client, peer, key: { id: key.id, name: key.name } };
  token(story, who, 'accounts', ['accounts:read']);
  story.say('accounts', {
    event: 'statement.read',
    action: 'accounts:read-statement',
    resource: `account/${account}`,
    principal: principal(story, who, ['accounts:read']),
    route: ['GET', '/accounts/:id/entries'],
    peer,
  });
}
const keyed: Teller = (story, cast) => {
  byKey(story, story.pick(cast.keys), story.pick(cast.customers).account);
};

const refund: Teller = (story) => {
  const who = { subject: 'storefront', client: 'storefront', peer: '10.20.0.3' };
  const [payment_id, amount] = [story.id(), euros(story)];
  const asked = {
    action: 'payments:refund',
    resource: `refund/${story.id()}`,
    principal: principal(story, who, ['payments:refund']),
    route: ['POST', '/payments/:id/refund'] as const,
    peer: who.peer,
  };
  story.say('payments', { event: 'refund.created', ...asked, changes: { payment_id, amount } });
  story.wait(80, 900);
  const done = { payment_id, payment_status: { from: 'settled', to: 'refunded' }, amount, transfer_id: story.id() };
  story.say('payments', { event: 'refund.settled', ...asked, changes: done });
};

const auditing: Teller = (story, cast) => {
  const who = { subject: story.pick(cast.operators), client: 'console' };
  const caller = principal(story, who, ['audit:read']);
  const asked = { action: 'audit:read', resource: 'event/*', principal: caller, peer: '192.0.2.40' };
  const search = { outcome: 'denied', limit: 50 };
  const route = ['GET', '/events'] as const;
  story.say('audit', { event: 'events.searched', ...asked, route, changes: { search, shown: story.between(0, 50) } });
};

const refused: Teller = (story, cast) => {
  const { subject, account, peer } = story.pick(cast.customers);
  const route = ['GET', '/accounts/:id'] as const;
  const resource = 'route/GET /accounts/:id';
  if (story.chance(50)) {
    const [first, last] = [story.at - 40_000, story.at].map((at) => new Date(at).toISOString());
    const counted = { count: story.between(1, 9), first, last };
    const asked = { action: 'route:call', resource, route, peer, outcome: 'denied' } as const;
    story.say('accounts', { event: 'requests.refused', ...asked, reason: 'TOKEN_EXPIRED', changes: counted });
    return;
  }
  if (story.chance(50)) {
    const caller = principal(story, { subject, client: 'corner-shop' }, ['payments:read']);
    const asked = { action: 'route:call', resource, principal: caller, route, peer, outcome: 'denied' } as const;
    story.say('accounts', { event: 'request.refused', ...asked, reason: 'SCOPE_MISSING' });
    return;
  }
  const resourceOfIt = `account/${account}`;
  const caller = principal(story, { subject, client: 'corner-shop' }, ['accounts:read']);
  const asked = { action: 'accounts:read', resource: resourceOfIt, principal: caller, route, peer } as const;
  story.say('accounts', { event: 'account.read', ...asked, outcome: 'denied', reason: 'ACCOUNT_UNKNOWN' });
};

const renaming: Teller = (story, cast) => {
  const { subject, account, peer } = story.pick(cast.customers);
  story.say('accounts', {
    event: 'account.changed',
    action: 'accounts:change',
    resource: `account/${account}`,
    principal: principal(story, { subject, client: 'corner-shop' }, ['accounts:write']),
    route: ['PATCH', '/accounts/:id'],
    peer,
    changes: { metadata: { name: { from: story.pick(cast.hardNames), to: story.pick(cast.hardNames) } } },
  });
};

const administering: Teller = (story, cast) => {
  const caller = principal(story, { subject: story.pick(cast.operators), client: 'console' }, ['issuer:admin']);
  const asked = { principal: caller, route: ['GET', '/admin/clients'] as const, peer: '192.0.2.40' };
  const changes = { limit: 50 };
  story.say('issuer', { event: 'client.looked-at', action: 'client:list', resource: 'client/*', ...asked, changes });
};

/** What happens every day, and how often of a hundred times. */
export const everyday: readonly (readonly [weight: number, tell: Teller])[] = [
  [30, shopping],
  [14, storefront],
  [8, signIn],
  [20, looking],
  [12, keyed],
  [3, refund],
  [4, auditing],
  [6, refused],
  [1, renaming],
  [2, administering],
];
