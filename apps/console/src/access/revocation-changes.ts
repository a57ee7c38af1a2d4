import { type PlannedChange, wordOf } from './planned-change.js';

/** The kinds offered by the revocation form. */
export const revocable = ['token', 'transaction', 'client', 'subject'] as const;
export type Revocable = (typeof revocable)[number];

const bodies: Readonly<Record<Revocable, (name: string) => Readonly<Record<string, unknown>>>> = {
  token: (jti) => ({ kind: 'token', jti, with_derived: true }),
  transaction: (txn) => ({ kind: 'transaction', txn }),
  client: (id) => ({ kind: 'client', client_id: id }),
  subject: (subject) => ({ kind: 'subject', subject }),
};

const effects: Readonly<Record<Revocable, string>> = {
  token: 'Every service refuses the token and everything it was exchanged for.',
  transaction: 'Every service refuses every token of the transaction; a delegation with this id ends.',
  client: 'Every token issued until now that names the client is refused, and what people allowed it ends.',
  subject:
    'Every token issued until now that names the subject is refused. For a person, their sessions and everything that they allowed end too.',
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
