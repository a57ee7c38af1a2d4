import { type Cast } from './cast.js';
import { type Story } from './happening.js';
import { byKey, principal } from './stories.js';

/** Something out of the ordinary, at a point of the month. */
export interface Incident {
  readonly name: string;
  /** 0 is the month's beginning, 1 its end. */
  readonly when: number;
  tell(story: Story, cast: Cast): void;
}

const minute = 60_000;

/** An API key is published, used from elsewhere, found out and revoked; its new owner keeps trying. */
const leakedKey: Incident = {
  name: 'a leaked API key',
  when: 0.3,
  tell(story, cast) {
    const { leakedKey: key, customers, operators } = cast;
    const resource = `api-key/${key.id}`;
    const thief = '203.0.113.251';
    const owner = { client_id: key.client, name: key.name };
    const seen = { client_id: 'payments', subject: 'payments' };
    const reporter = principal(story, { subject: seen.subject, client: seen.client_id }, ['api-keys:report']);
    const exposed = { ...owner, service: 'payments' };
    story.say('issuer', {
      event: 'api-key.exposed',
      action: 'api-key:expose',
      resource,
      principal: reporter,
      changes: exposed,
    });
    story.wait(10 * minute, 30 * minute);
    const used = { action: 'api-key:use', resource };
    story.say('issuer', {
      event: 'api-key.new-network',
      ...used,
      route: ['POST', '/api-keys/usage'],
      changes: { network: thief, service: 'accounts' },
    });
    for (let reads = 0; reads < 40; reads += 1) {
      story.wait(1_000, minute);
      byKey(story, key, story.pick(customers).account, thief);
    }
    const hour = new Date(story.at - (story.at % 3_600_000)).toISOString();
    story.say('issuer', { event: 'api-key.unusual', ...used, changes: { ...owner, hour, count: 140, usual: 3 } });
    story.wait(5 * minute, 15 * minute);
    const caller = principal(story, { subject: story.pick(operators), client: 'console' }, ['issuer:admin']);
    const reason = 'found in a public repository';
    const [before, after] = ['active', 'revoked'].map((state) => ({ ...owner, state }));
    const route = ['POST', '/admin/api-keys/:id/revoke'] as const;
    const asked = { resource, principal: caller, route, peer: '192.0.2.40' };
    story.say('issuer', {
      event: 'api-key.revoked',
      action: 'api-key:revoke',
      ...asked,
      changes: { before, after, reason },
    });
    story.say('issuer', {
      event: 'api-key.tokens-revoked',
      action: 'api-key:revoke-tokens',
      ...asked,
      changes: { until: new Date(story.at + 15 * minute).toISOString(), reason },
    });
    for (let tries = 0; tries < 25; tries += 1) {
      story.wait(1_000, 3 * minute);
      story.say('issuer', {
        event: 'token.refused',
        action: 'token:issue',
        resource: 'audience/accounts',
        outcome: 'denied',
        reason: 'API_KEY_REVOKED',
        route: ['POST', '/oauth2/token'],
        peer: thief,
        changes: { audience: 'accounts', api_key: key.id },
      });
    }
  },
};

/** Somebody leaves: what was theirs ends, and what they try later is refused. */
const departure: Incident = {
  name: 'a departed employee',
  when: 0.53,
  tell(story, { departing, operators }) {
    const resource = `person/${departing}`;
    const caller = principal(story, { subject: story.pick(operators), client: 'console' }, ['issuer:admin']);
    const peer = '192.0.2.40';
    const route = ['POST', '/admin/people/:id/disable'] as const;
    story.say('issuer', {
      event: 'person.disabled',
      action: 'person:disable',
      resource,
      principal: caller,
      route,
      peer,
    });
    story.say('issuer', {
      event: 'session.ended',
      action: 'session:end',
      resource: `session/${story.id()}`,
      principal: caller,
      route,
      peer,
      changes: { person: departing, because: 'disabled' },
    });
    story.say('issuer', {
      event: 'subject.revoked',
      action: 'subject:revoke',
      resource: `subject/${departing}`,
      principal: caller,
      route,
      peer,
      changes: { until: new Date(story.at + 15 * minute).toISOString(), reason: 'left the company' },
    });
    const gone = principal(story, { subject: departing, client: 'console' }, ['audit:read']);
    for (let tries = 0; tries < 6; tries += 1) {
      story.wait(2 * minute, 90 * minute);
      const asked = { route: ['GET', '/events'] as const, peer: '192.0.2.66', outcome: 'denied' } as const;
      story.say('accounts', {
        event: 'request.refused',
        action: 'route:call',
        resource: 'route/GET /accounts/:id',
        principal: gone,
        ...asked,
        route: ['GET', '/accounts/:id'],
        reason: 'TOKEN_REVOKED',
      });
      story.say('issuer', {
        event: 'person.sign_in_refused',
        action: 'person:sign-in',
        resource: 'provider/people',
        ...asked,
        route: ['GET', '/sign-in/callback/:provider'],
        reason: 'PERSON_DISABLED',
      });
    }
  },
};

/** Messages of payments are lost between NATS and audit; their numbers are accepted as missing later. */
const natsGap: Incident = {
  name: 'a gap of three numbers',
  when: 0.66,
  tell(story) {
    story.lose('payments', 3);
  },
};

/** A service of a newer version says more than the trail knows. */
const deadLetter: Incident = {
  name: 'a dead letter',
  when: 0.76,
  tell(story, { customers }) {
    const { subject, account } = story.pick(customers);
    const said = {
      event: 'account.read',
      action: 'accounts:read',
      resource: `account/${account}`,
      principal: principal(story, { subject, client: 'corner-shop' }, ['accounts:read']),
    };
    story.misfit('accounts', said, { priority: 'high' });
  },
};

/** Half an hour of tokens that nobody issued. */
const flood: Incident = {
  name: 'a flood of forged tokens',
  when: 0.87,
  tell(story) {
    for (let minutes = 0; minutes < 30; minutes += 1) {
      story.at += minute;
      const [first, last] = [story.at - minute, story.at].map((at) => new Date(at).toISOString());
      const count = story.between(400, 9_000);
      story.say('payments', {
        event: 'requests.refused',
        action: 'route:call',
        resource: 'route/POST /payments',
        outcome: 'denied',
        reason: 'SIGNATURE_INVALID',
        route: ['POST', '/payments'],
        peer: '203.0.113.77',
        changes: { count, first, last },
      });
    }
  },
};

export const incidents: readonly Incident[] = [leakedKey, departure, natsGap, deadLetter, flood];
