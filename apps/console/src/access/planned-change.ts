import { type RevocationKind } from './access-search.js';
import { type PersonSessionAnswer } from './issuer-answers.js';
import { localText } from '../ui/time-text.js';
import { partsOf } from '../ui/visible-text.js';

/** Something that an administrator is about to do. */
export interface PlannedChange {
  readonly title: string;
  /** What it does, in a sentence or two. */
  readonly effect: string;
  /** Below `/console/issuer/`. */
  readonly path: string;
  /** `POST` when left out. */
  readonly method?: 'DELETE';
  readonly body?: Readonly<Record<string, unknown>>;
  /** Whether the request takes a reason. */
  readonly takesReason: boolean;
  /** What has to be typed, because it refuses something at once; undefined if a second press is enough. */
  readonly word: string | undefined;
  /** What a preview is asked of. */
  readonly refuses: { readonly kind: RevocationKind | 'session'; readonly name: string } | undefined;
  readonly button: string;
}

const part = encodeURIComponent;

/** The name that people type again: the whole name, or the end of a long one. @param id used instead of a name that no keyboard types */
export function wordOf(name: string, id = 'yes'): string {
  if (partsOf(name).some(({ kind }) => kind === 'unseen') || name.trim() !== name) return wordOf(id);
  return name.length <= 24 ? name : [...name].slice(-8).join('').trim();
}

export const clientChange = {
  disable: (id: string): PlannedChange => ({
    title: `Disable ${id}`,
    effect: 'It gets no more tokens, and every service refuses all tokens that name it.',
    path: `admin/clients/${part(id)}/disable`,
    takesReason: false,
    word: wordOf(id),
    refuses: { kind: 'client', name: id },
    button: 'Disable',
  }),
  enable: (id: string): PlannedChange => ({
    title: `Enable ${id}`,
    effect: 'It may request tokens again. What was revoked stays revoked.',
    path: `admin/clients/${part(id)}/enable`,
    takesReason: false,
    word: undefined,
    refuses: undefined,
    button: 'Enable',
  }),
  revoke: (id: string): PlannedChange => ({
    ...revocationOf('client', id),
    title: `Revoke tokens of ${id}`,
    effect:
      'Every token that names it and was issued until now is refused, and what people allowed it ends. It may request new tokens immediately; disable it to keep it out.',
  }),
  newSecret: (id: string): PlannedChange => ({
    title: `New secret for ${id}`,
    effect:
      'The newest two secrets work: deploy this one, then create another to end the older one. It is shown only once.',
    path: `admin/clients/${part(id)}/secrets`,
    takesReason: false,
    word: undefined,
    refuses: undefined,
    button: 'Make a secret',
  }),
  removeKey: (id: string, kid: string): PlannedChange => ({
    title: `Remove the key ${kid} of ${id}`,
    effect: 'What this key signs is refused from now on. Tokens that the client has stay valid until they expire.',
    path: `admin/clients/${part(id)}/keys/${part(kid)}`,
    method: 'DELETE',
    takesReason: false,
    word: wordOf(kid, id),
    refuses: undefined,
    button: 'Remove',
  }),
  removeSecret: (id: string, secret: string): PlannedChange => ({
    title: `Remove the secret ${secret} of ${id}`,
    effect: 'The client gets no more tokens with this secret. Tokens that it has stay valid until they expire.',
    path: `admin/clients/${part(id)}/secrets/${part(secret)}`,
    method: 'DELETE',
    takesReason: false,
    word: wordOf(secret, id),
    refuses: undefined,
    button: 'Remove',
  }),
};

export const personChange = {
  endSessions: (id: string, name: string): PlannedChange => ({
    title: `End the sessions of ${name}`,
    effect:
      'All their sessions end now, and so does everything that they allowed applications. They may sign in again.',
    path: `admin/people/${part(id)}/end-sessions`,
    takesReason: false,
    word: wordOf(name, id),
    refuses: { kind: 'subject', name: id },
    button: 'End sessions',
  }),
  endSession: (id: string, name: string, session: PersonSessionAnswer): PlannedChange => ({
    title: `End the session of ${name} on ${session.device}, since ${localText(new Date(session.authenticated_at)).slice(0, 19)}`,
    effect:
      'It ends now, and so does everything that was allowed in it. Their other sessions continue, and they may sign in again.',
    path: `admin/people/${part(id)}/sessions/${part(session.id)}/end`,
    takesReason: false,
    word: wordOf(name, id),
    refuses: { kind: 'session', name: session.id },
    button: 'End the session',
  }),
  disable: (id: string, name: string): PlannedChange => ({
    title: `Disable ${name}`,
    effect:
      'Their sessions and all that they allowed end now, tokens about them are refused everywhere, and they cannot sign in.',
    path: `admin/people/${part(id)}/disable`,
    takesReason: false,
    word: wordOf(name, id),
    refuses: { kind: 'subject', name: id },
    button: 'Disable',
  }),
  enable: (id: string, name: string): PlannedChange => ({
    title: `Enable ${name}`,
    effect: 'They may sign in again. What was ended stays ended.',
    path: `admin/people/${part(id)}/enable`,
    takesReason: false,
    word: undefined,
    refuses: undefined,
    button: 'Enable',
  }),
};

export const apiKeyChange = {
  rotate: (id: string, name: string): PlannedChange => ({
    title: `Rotate the key “${name}”`,
    effect: 'A replacement with the same name and rights is created and shown once. This key keeps working for a day.',
    path: `admin/api-keys/${part(id)}/rotate`,
    body: {},
    takesReason: false,
    word: undefined,
    refuses: undefined,
    button: 'Rotate',
  }),
  disable: (id: string, name: string): PlannedChange => ({
    title: `Disable the key “${name}”`,
    effect: 'The key, and what it was exchanged for, is refused until it is enabled again.',
    path: `admin/api-keys/${part(id)}/disable`,
    body: {},
    takesReason: true,
    word: wordOf(name, id),
    refuses: { kind: 'api-key', name: id },
    button: 'Disable',
  }),
  enable: (id: string, name: string): PlannedChange => ({
    title: `Enable the key “${name}”`,
    effect: 'The key works again.',
    path: `admin/api-keys/${part(id)}/enable`,
    body: {},
    takesReason: true,
    word: undefined,
    refuses: undefined,
    button: 'Enable',
  }),
  revoke: (id: string, name: string): PlannedChange => ({
    title: `Revoke the key “${name}”`,
    effect: 'Every service refuses the key, permanently. This cannot be undone.',
    path: `admin/api-keys/${part(id)}/revoke`,
    body: {},
    takesReason: true,
    word: wordOf(name, id),
    refuses: { kind: 'api-key', name: id },
    button: 'Revoke',
  }),
};

/** The two kinds of keys that the issuer signs with. */
export type KeyPurpose = 'keys' | 'revocation-keys';

export const keyChange = {
  rotate: (purpose: KeyPurpose): PlannedChange => ({
    title: purpose === 'keys' ? 'Rotate the signing key' : 'Rotate the key that signs revocations',
    effect:
      purpose === 'keys'
        ? 'The pending key starts signing. The previous one stays published until its tokens have expired, so nothing is refused.'
        : 'The pending key starts signing, and the list of revocations is signed again. Nothing more is refused.',
    path: `admin/${purpose}/rotate`,
    takesReason: false,
    word: undefined,
    refuses: undefined,
    button: 'Rotate',
  }),
  revoke: (purpose: KeyPurpose, kid: string): PlannedChange => ({
    title: purpose === 'keys' ? `Revoke the signing key ${kid}` : `Revoke the revocation key ${kid}`,
    effect:
      purpose === 'keys'
        ? 'For an emergency: the key leaves the published set, and every service refuses what it signed. The pending key takes over.'
        : 'For an emergency: the key leaves its set, and the pending one signs the whole list again.',
    path: `admin/${purpose}/${part(kid)}/revoke`,
    takesReason: false,
    word: wordOf(kid),
    refuses: purpose === 'keys' ? { kind: 'key', name: kid } : undefined,
    button: 'Revoke',
  }),
};

/** Ends what a person allowed an application. */
export function endOfDelegation(id: string, person: string, client: string): PlannedChange {
  return {
    title: `End what ${person} allowed ${client}`,
    effect: 'Its refresh token stops working, and its tokens are refused everywhere. The person may allow it again.',
    path: `admin/delegations/${part(id)}/end`,
    takesReason: false,
    word: wordOf(client),
    refuses: { kind: 'transaction', name: id },
    button: 'End',
  };
}

/** What may be named in the form of the revocations. */
export const revocable = ['token', 'transaction', 'client', 'subject'] as const;
export type Revocable = (typeof revocable)[number];

const bodies: Readonly<Record<Revocable, (name: string) => Readonly<Record<string, unknown>>>> = {
  token: (jti) => ({ kind: 'token', jti, with_derived: true }),
  transaction: (txn) => ({ kind: 'transaction', txn }),
  client: (id) => ({ kind: 'client', client_id: id }),
  subject: (subject) => ({ kind: 'subject', subject }),
};

const effects: Readonly<Record<Revocable, string>> = {
  token: 'Every service refuses the token and everything that it was exchanged for.',
  transaction: 'Every service refuses every token of the transaction; a delegation with this id ends.',
  client: 'Every token that names the client and was issued until now is refused, and what people allowed it ends.',
  subject:
    'Every token that names the subject and was issued until now is refused. For a person, their sessions and everything that they allowed end too.',
};

/** An entry for the list of revocations. */
export function revocationOf(kind: Revocable, name: string): PlannedChange {
  return {
    title: `Revoke the ${kind} ${name}`,
    effect: effects[kind],
    path: 'admin/revocations',
    body: bodies[kind](name),
    takesReason: true,
    word: wordOf(name),
    refuses: { kind, name },
    button: 'Revoke',
  };
}
