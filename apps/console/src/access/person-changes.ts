import { type PersonSessionAnswer } from './issuer-answers.js';
import { localText } from '../ui/time-text.js';
import { type PlannedChange, wordOf } from './planned-change.js';

const part = encodeURIComponent;

export const personChange = {
  endSessions: (id: string, name: string): PlannedChange => ({
    title: `End the sessions of ${name}`,
    effect:
      'All their sessions end now, and so does everything that they allowed applications to do. They may sign in again.',
    path: `admin/people/${part(id)}/end-sessions`,
    word: wordOf(name, id),
    refuses: { kind: 'subject', name: id },
    button: 'End sessions',
  }),
  endSession: (id: string, name: string, session: PersonSessionAnswer): PlannedChange => ({
    title: `End the session of ${name} on ${session.device}, since ${localText(new Date(session.authenticated_at)).slice(0, 19)}`,
    effect:
      'It ends now, and so does everything that was allowed in it. Their other sessions continue, and they may sign in again.',
    path: `admin/people/${part(id)}/sessions/${part(session.id)}/end`,
    word: wordOf(name, id),
    refuses: { kind: 'session', name: session.id },
    button: 'End the session',
  }),
  disable: (id: string, name: string): PlannedChange => ({
    title: `Disable ${name}`,
    effect:
      'Their sessions and everything that they allowed end now, tokens about them are refused everywhere, and they cannot sign in.',
    path: `admin/people/${part(id)}/disable`,
    word: wordOf(name, id),
    refuses: { kind: 'subject', name: id },
    button: 'Disable',
  }),
  enable: (id: string, name: string): PlannedChange => ({
    title: `Enable ${name}`,
    effect: 'They may sign in again. Sessions and permissions that ended stay ended.',
    path: `admin/people/${part(id)}/enable`,
    button: 'Enable',
  }),
};

/** Ends a person's consent to an application. */
export function endOfDelegation(id: string, person: string, client: string): PlannedChange {
  return {
    title: `End what ${person} allowed ${client}`,
    effect: 'Its refresh token stops working, and its tokens are refused everywhere. The person may allow it again.',
    path: `admin/delegations/${part(id)}/end`,
    word: wordOf(client),
    refuses: { kind: 'transaction', name: id },
    button: 'End',
  };
}
