import { type Principal } from './principal.js';

/** Whose an object is. Keep both with the object. */
export interface Owner {
  /** The owner, through whichever client it comes. */
  readonly subject: string;
  /** The client that acted for the subject; it reaches the object only with a scope that says so. */
  readonly clientId: string;
}

/** Whose objects a caller reaches: its own subject's and, when a client is named, whatever was made through that client. */
export interface Reach {
  readonly subject: string;
  readonly clientId?: string | undefined;
}

/**
 * The owner of what a caller makes.
 * @param caller the verified caller
 */
export function ownerOf({ subject, clientId }: Pick<Principal, 'subject' | 'clientId'>): Owner {
  return { subject, clientId };
}

/** The scope that widens `scope` from the caller's own subject to all subjects of its client: `payments:read:client`. */
export function clientWide<Scope extends string>(scope: Scope): `${Scope}:client` {
  return `${scope}:client`;
}

/**
 * Whose objects a caller reaches by a scope: its own subject's, through whichever client they were made. With the client-wide form of
 * the scope ({@link clientWide}) also those of every other subject that were made through the caller's client.
 * The route checks that the caller has one of the two scopes; this only says how far it goes.
 * @param caller the verified caller
 * @param scope the scope without `:client`
 */
export function reachOf(caller: Pick<Principal, 'subject' | 'clientId' | 'scopes'>, scope: string): Reach {
  const { subject, clientId, scopes } = caller;
  return scopes.has(clientWide(scope)) ? { subject, clientId } : { subject };
}

/**
 * Whether an object is within a caller's reach. A store says the same in SQL.
 * @param owner one without a client where an object keeps none: it is its subject's only
 */
export function isWithin(
  { subject, clientId }: Reach,
  owner: { readonly subject: string; readonly clientId?: string | undefined },
): boolean {
  return owner.subject === subject || (clientId !== undefined && owner.clientId === clientId);
}
