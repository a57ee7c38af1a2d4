import { type Principal } from '@countersign/auth-core';

/** Who set something off, as it is kept with what they set off. */
export interface Origin {
  readonly subject: string;
  readonly clientId: string;
  /** The actors for the subject, newest first. */
  readonly actors: readonly string[];
  /** RFC 8417: one id for everything that the first request set off. */
  readonly txn: string;
}

/** From a verified token. */
export function originOf(caller: Pick<Principal, 'subject' | 'clientId' | 'actors' | 'txn'>): Origin {
  const { subject, clientId, txn } = caller;
  return { subject, clientId, actors: caller.actors.map((actor) => actor.subject), txn };
}
