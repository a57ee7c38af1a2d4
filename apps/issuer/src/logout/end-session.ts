import { type Client } from '../registry/client.js';
import { isDeclaredRedirect } from '../registry/redirect-uri.js';
import { type Session } from '../sessions/session.js';
import { type IdTokenHint } from './id-token-hint.service.js';

/** Where the browser goes once the person is signed out. */
export interface AfterSignOut {
  /** The client's name for people. */
  readonly clientName: string;
  readonly url: string;
  readonly native: boolean;
}

/**
 * Where an application may send a person after signing out: an address that it has registered for that, compared character by character.
 * @returns undefined if it requested none; `refused` for an address that it has not registered
 */
export function afterSignOut(
  client: Client | undefined,
  asked: string | undefined,
  state: string | undefined,
): AfterSignOut | undefined | 'refused' {
  if (asked === undefined) return undefined;
  const declared = client?.post_logout_redirect_uris ?? [];
  if (client === undefined || !isDeclaredRedirect(declared, client.application_type ?? 'web', asked)) return 'refused';
  const url = new URL(asked);
  if (state !== undefined) url.searchParams.set('state', state);
  const native = client.application_type === 'native';
  return { clientName: client.client_name ?? client.client_id, url: url.href, native };
}

/**
 * Whether an application may end a session without asking: it presents an ID token of this very person and, if it names a session, of this session.
 * Otherwise any site could sign people out.
 */
export function mayEndUnasked(session: Session, hint: IdTokenHint | undefined): boolean {
  if (hint === undefined || hint.subject !== session.person.id) return false;
  return hint.sessionId === undefined || hint.sessionId === session.id;
}
