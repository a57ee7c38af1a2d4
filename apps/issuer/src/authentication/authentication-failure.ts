import { OAuthError } from '@countersign/service-host';
import { claimedName, type Client } from '../registry/client.js';
import { type RegisteredClient } from '../registry/registered-client.js';
import { FAILED } from './client-assertion.js';

/**
 * One response for every failure, so that nobody can find out which clients and keys exist (RFC 6749, section 5.2).
 * @param description for a client identified by a valid signature, which may know what is wrong with the claims
 */
export function invalidClient(description = FAILED): OAuthError {
  return new OAuthError(401, 'invalid_client', description, {
    'www-authenticate': 'Basic realm="issuer"',
  });
}

/** Who tried, if known, and why it failed: for the audit trail and the logs. */
export class ClientAuthenticationFailed extends Error {
  readonly claimedClientId: string | undefined;
  constructor(
    readonly reason: string,
    claimed: string | undefined,
    readonly answer = invalidClient(),
  ) {
    super(reason);
    this.claimedClientId = claimedName(claimed);
  }
}

/** A disabled client fails last, after the same work as any other. @throws {ClientAuthenticationFailed} */
export function enabledClient({ client, disabled }: RegisteredClient): Client {
  if (disabled) throw new ClientAuthenticationFailed('CLIENT_DISABLED', client.client_id);
  return client;
}
