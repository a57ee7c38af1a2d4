import { type Principal } from './principal.js';

/** The owner of an object. Store both with the object. */
export interface Owner {
  /** The owning subject, whichever client is used. */
  readonly subject: string;
  /** The client that acted for the subject; it may access the object only with the client-wide scope. */
  readonly clientId: string;
}

/** Whose objects a caller may access: those of its own subject and, if a client is named, all that were created through that client. */
export interface Reach {
  readonly subject: string;
  readonly clientId?: string | undefined;
}

/**
 * The owner of what a caller creates.
 * @param caller the verified caller
 */
export function ownerOf({ subject, clientId }: Pick<Principal, 'subject' | 'clientId'>): Owner {
  return { subject, clientId };
}

/** Who caused something, as it is stored with that: the owner, through whom, in which transaction. */
export interface Originator extends Owner {
  /** The actors for the subject, newest first. */
  readonly actors: readonly string[];
  /** RFC 8417: one id for everything that the first request caused. */
  readonly txn: string;
}

/**
 * The originator of what a caller causes.
 * @param caller the verified caller
 */
export function originatorOf(caller: Pick<Principal, 'subject' | 'clientId' | 'actors' | 'txn'>): Originator {
  return { ...ownerOf(caller), actors: caller.actors.map(({ subject }) => subject), txn: caller.txn };
}

/** The scope that widens `scope` from the caller's own subject to all subjects of its client: `payments:read:client`. */
export function clientWide<Scope extends string>(scope: Scope): `${Scope}:client` {
  return `${scope}:client`;
}

/**
 * Whose objects a caller may access by a scope: its own subject's, whichever client created them. With the client-wide form of the scope ({@link
 * clientWide}) also those of every other subject that were created through the caller's client. The route checks that the caller has one of the two
 * scopes; this function only determines its extent.
 * @param caller the verified caller
 * @param scope the scope without `:client`
 */
export function reachOf(caller: Pick<Principal, 'subject' | 'clientId' | 'scopes'>, scope: string): Reach {
  const { subject, clientId, scopes } = caller;
  return scopes.has(clientWide(scope)) ? { subject, clientId } : { subject };
}

/**
 * Whether a caller may access an object. A store expresses the same rule in SQL.
 * @param owner without a client if the object stores none: it is then its subject's only
 */
export function isWithin(
  { subject, clientId }: Reach,
  owner: { readonly subject: string; readonly clientId?: string | undefined },
): boolean {
  return owner.subject === subject || (clientId !== undefined && owner.clientId === clientId);
}
