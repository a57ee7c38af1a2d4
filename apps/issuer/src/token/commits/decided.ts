import { type UsedAssertion } from '../../authentication/used-assertions.store.js';
import { type UsedProof } from '../../authentication/used-proofs.store.js';
import { type Ground } from '../../registry/replica.service.js';

/** What a decision rests on, and what would revoke it. */
export interface DecisionGround extends Ground {
  /** Keys of the revocations that would refuse the token that is exchanged; none where none is. */
  readonly against?: readonly string[] | undefined;
}

/** A decision that is about to be committed. */
export interface Decided {
  readonly ground: DecisionGround;
  /** Used up with the decision. */
  readonly assertion: UsedAssertion | undefined;
  /** Used up with the decision: the proof of the key that the token is bound to. */
  readonly proof: UsedProof | undefined;
  /** The event as JSON. */
  readonly event: string;
}

/** The outcome of one decision. */
export type Outcome =
  /** The event is durable and the assertion used up: the answer may be sent. */
  | 'committed'
  /** The assertion was used before; nothing was recorded. */
  | 'replayed'
  /** The proof was used before; nothing was recorded, and the assertion is not used up. */
  | 'proof_replayed'
  /** Clients or keys have changed since the decision, or the subject token was revoked; nothing was recorded: decide again. */
  | 'outdated';

/** Milliseconds until a row that another transaction holds is tried again. */
export const HELD_MS = 3;

/** The columns of {@link usedUpBy}, for a statement that reads its rows from JSON. */
export const usedUpColumns = 'client_id text, jti text, expires_at float8, proof text, proof_until float8';

/** The members of a row that every statement of decisions reads: the assertion and the proof that are used up. */
export function usedUpBy({ assertion, proof }: Decided) {
  const { clientId, jti, expiresAt } = assertion ?? {};
  return { client_id: clientId, jti, expires_at: expiresAt, proof: proof?.replayId, proof_until: proof?.expiresAt };
}

/** The newest version of the registry that one of them rests on: those of an older one are outdated, whatever the database says. */
export function newestVersion(decided: readonly Decided[]): number {
  return decided.reduce((newest, { ground }) => Math.max(newest, ground.version), 0);
}

/** Identifies an assertion among all that are used up. */
const nameOfAssertion = ({ clientId, jti }: UsedAssertion): string => `${clientId} ${jti}`;

/** Names what a decision uses up: its client's assertion, its proof, and the others. No two groups that hold one of these names are served at the same time. */
export function namesOf(
  { assertion, proof }: Decided,
  ...others: readonly (string | UsedAssertion | undefined)[]
): readonly string[] {
  return [assertion, proof?.replayId, ...others].flatMap((one) => {
    if (one === undefined) return [];
    return typeof one === 'string' ? [one] : [nameOfAssertion(one)];
  });
}

/** What may occur only once in one statement: an assertion, a code. */
export class NamedOnce {
  readonly #names = new Set<string>();

  /** Takes the names, unless one of them is taken. @returns whether it did */
  take(names: readonly string[]): boolean {
    if (names.some((name) => this.#names.has(name))) return false;
    for (const name of names) this.#names.add(name);
    return true;
  }
}
