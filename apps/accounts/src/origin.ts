import { type Principal } from '@countersign/auth-core';

/** Who set something off, from their verified token. */
export interface Origin {
  readonly subject: string;
  readonly clientId: string;
  /** Who acted for the subject, newest first. */
  readonly actors: readonly string[];
  /** RFC 8417: one id for everything that the first request set off. */
  readonly txn: string;
}

export function originOf(caller: Principal): Origin {
  const { subject, clientId, txn } = caller;
  return { subject, clientId, actors: caller.actors.map((actor) => actor.subject), txn };
}
