import { type Principal } from '@countersign/auth-core';

/** Who caused something, as stored with it. */
export interface Origin {
  readonly subject: string;
  readonly clientId: string;
  /** The actors for the subject, newest first. */
  readonly actors: readonly string[];
  /** RFC 8417: one id for everything that the first request caused. */
  readonly txn: string;
}

/** From a verified token. */
export function originOf(caller: Pick<Principal, 'subject' | 'clientId' | 'actors' | 'txn'>): Origin {
  const { subject, clientId, txn } = caller;
  return { subject, clientId, actors: caller.actors.map((actor) => actor.subject), txn };
}
