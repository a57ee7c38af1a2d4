import { type PlannedChange, wordOf } from './planned-change.js';
import { revocationOf } from './revocation-changes.js';

const part = encodeURIComponent;

export const clientChange = {
  disable: (id: string): PlannedChange => ({
    title: `Disable ${id}`,
    effect: 'It gets no more tokens, and every service refuses all tokens that name it.',
    path: `admin/clients/${part(id)}/disable`,
    word: wordOf(id),
    refuses: { kind: 'client', name: id },
    button: 'Disable',
  }),
  enable: (id: string): PlannedChange => ({
    title: `Enable ${id}`,
    effect: 'It can get tokens again. What was revoked stays revoked.',
    path: `admin/clients/${part(id)}/enable`,
    button: 'Enable',
  }),
  revoke: (id: string): PlannedChange => ({
    ...revocationOf('client', id),
    title: `Revoke tokens of ${id}`,
    effect:
      'Every token issued until now that names it is refused, and what people allowed it ends. It can get new tokens immediately; to keep it out, disable it.',
  }),
  newSecret: (id: string): PlannedChange => ({
    title: `New secret for ${id}`,
    effect: 'The newest two secrets work. Deploy this one, then remove the older one. It is shown only once.',
    path: `admin/clients/${part(id)}/secrets`,
    button: 'Create secret',
  }),
  removeKey: (id: string, kid: string): PlannedChange => ({
    title: `Remove the key ${kid} of ${id}`,
    effect:
      "From now on, assertions signed with this key are refused. The client's existing tokens stay valid until they expire.",
    path: `admin/clients/${part(id)}/keys/${part(kid)}`,
    method: 'DELETE',
    word: wordOf(kid, id),
    button: 'Remove',
  }),
  removeSecret: (id: string, secret: string): PlannedChange => ({
    title: `Remove the secret ${secret} of ${id}`,
    effect: 'The client gets no more tokens with this secret. Its existing tokens stay valid until they expire.',
    path: `admin/clients/${part(id)}/secrets/${part(secret)}`,
    method: 'DELETE',
    word: wordOf(secret, id),
    button: 'Remove',
  }),
};
