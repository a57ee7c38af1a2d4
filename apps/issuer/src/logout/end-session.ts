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
 * Where an application may have a person sent after signing out: an address that it has registered for that, character by character.
 * @returns undefined if it asked for none; `refused` for an address that is not its own
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
 * Whether an application may end a session without asking the person: it shows an ID token of this very person, and session where it names one.
 * Else any site could sign people out.
 */
export function mayEndUnasked(session: Session, hint: IdTokenHint | undefined): boolean {
  if (hint === undefined || hint.subject !== session.person.id) return false;
  return hint.sessionId === undefined || hint.sessionId === session.id;
}
