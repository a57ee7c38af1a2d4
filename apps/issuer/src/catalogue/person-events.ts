import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

/** People: signing in and out, their sessions, and what administrators do about them. */
export const personEvents = {
  'userinfo.read': {
    when: 'An application asked who a person is; `denied` where its token is not about a person who is known here and not disabled.',
    action: 'userinfo:read',
    resource: 'person',
    changes: { scope: 'with which rights' },
  },
  'person.signed_in': {
    when: 'A person signed in at an outside provider.',
    action: 'person:sign-in',
    resource: 'person',
    changes: {
      provider: 'where, by its declared name',
      first: 'whether the person signed in for the first time',
      roles: 'before and after, by the declared mapping; before is null at the first sign-in',
      session: 'the session that started or was continued',
      renewed: 'whether a session of the same person was continued in this browser, under a new secret',
      authenticated_at: 'when the person proved to the provider who they are',
      acr: 'how strongly, according to the provider',
      amr: 'by what means, according to the provider',
    },
  },
  'person.sign_in_refused': {
    when: "A provider's response to a sign-in that was started here did not sign anybody in: it was invalid, or the person is disabled.",
    action: 'person:sign-in',
    resource: 'provider',
    principal: 'never',
    changes: { person: 'who it was, if they are disabled; an invalid response identifies nobody' },
  },
  'account.shown': {
    when: 'A person viewed what they allowed applications to do, what these did, and where they are signed in.',
    action: 'account:read',
    resource: 'person',
  },
  'people.listed': {
    when: 'An administrator listed people.',
    action: 'person:list',
    resource: 'person',
    changes: { cursor: 'where the page starts', limit: 'how many were requested' },
  },
  'person.looked-at': {
    when: 'An administrator viewed a person with sessions and delegations; `failed` if there is no such person.',
    action: 'person:read',
    resource: 'person',
  },
  'person.sessions_ended': {
    when: 'An administrator ended all sessions and delegations of a person; `failed` where there is no such person.',
    action: 'person:end-sessions',
    resource: 'person',
  },
  'person.disabled': {
    when: 'An administrator disabled a person: their sessions and tokens ended, and they cannot sign in; `failed` where there is no such person.',
    action: 'person:disable',
    resource: 'person',
  },
  'person.enabled': {
    when: 'An administrator allowed a disabled person to sign in again; `failed` where there is no such person.',
    action: 'person:enable',
    resource: 'person',
  },
  'logout.sent': {
    when: "An application was notified that a person's session ended (back-channel logout), or, with outcome `failed`, could not be notified within a day.",
    action: 'session:announce',
    resource: 'client',
    principal: 'never',
    changes: { session: 'which session', person: 'whose it was', attempts: 'how often it was tried' },
  },
  'logout.received': {
    when: 'An outside provider reported that a person signed out there.',
    action: 'session:end',
    resource: 'provider',
    principal: 'never',
    changes: { sessions: 'which ended because of it' },
  },
  'logout.refused': {
    when: "An invalid logout token arrived at a provider's address.",
    action: 'session:end',
    resource: 'provider',
    principal: 'never',
  },
  'session.ended': {
    when: "A person's session ended before its time.",
    action: 'session:end',
    resource: 'session',
    principal: 'sometimes',
    changes: {
      person: 'whose it was',
      because:
        '`sign-out`, `person` (from another session), `admin`, `disabled`, `provider` or `another-person` (who signed in there)',
    },
  },
  'session.end_refused': {
    when: 'An administrator tried to end a session that the person does not have.',
    action: 'session:end',
    resource: 'session',
    changes: { person: 'the person named in the request' },
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
