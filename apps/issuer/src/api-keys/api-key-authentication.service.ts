import { Inject, Injectable } from '@nestjs/common';
import { apiKeyHash, parseApiKey } from '@countersign/auth-core';
import { CLOCK, OAuthError } from '@countersign/service-host';
import { AuthenticationLimits } from '../limits/authentication-limits.service.js';
import { type Client } from '../registry/client.js';
import { Replica } from '../registry/replica.service.js';
import { matchesHash } from './api-key-digest.js';
import { statusOf } from './api-key.js';
import { ApiKeysStore } from './api-keys.store.js';
import { type ApiKeyRow } from './api-keys.tables.js';
import { API_KEY_SETTINGS, type ApiKeySettings } from './new-api-key.js';

/** A key that was presented and is valid now, with its client. */
export interface UsableApiKey {
  readonly key: ApiKeyRow;
  readonly owner: Client;
}

/** Why a key is not accepted, for the trail; the caller only sees that it is not. */
export type ApiKeyFault =
  | 'API_KEY_MALFORMED'
  | 'API_KEY_UNKNOWN'
  | 'API_KEY_EXPIRED'
  | 'API_KEY_DISABLED'
  | 'API_KEY_REVOKED'
  | 'CLIENT_DISABLED';

/** One answer for every key that is not accepted (RFC 6749, section 5.2). */
export class ApiKeyRefused extends OAuthError {
  /** @param key the key, if its secret was right */
  constructor(
    readonly fault: ApiKeyFault,
    readonly key?: Pick<ApiKeyRow, 'id' | 'name' | 'clientId'>,
  ) {
    super(400, 'invalid_grant', 'the API key is not accepted');
  }
}

const faults = { expired: 'API_KEY_EXPIRED', disabled: 'API_KEY_DISABLED', revoked: 'API_KEY_REVOKED' } as const;

/**
 * Finds the owner of a key. A mistyped key, or one made up without a valid checksum, costs no lookup; any other costs one lookup and one digest,
 * whether or not the key exists.
 */
@Injectable()
export class ApiKeyAuthentication {
  constructor(
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(AuthenticationLimits) private readonly limits: AuthenticationLimits,
    @Inject(API_KEY_SETTINGS) private readonly settings: ApiKeySettings,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * @param text the key
   * @param service the authenticated client that presents it: floods count against it, and against the network that sent it the key
   * @param address of the key's caller, as seen by the service
   * @throws {ApiKeyRefused}
   * @throws {TooManyRequests} in its place, beyond the limits of failures; a valid key is never refused for others' failures
   */
  async authenticate(text: string, service: Client, address: string | undefined): Promise<UsableApiKey> {
    const found = await this.#find(text);
    if (!(found instanceof ApiKeyRefused)) return found;
    throw (await this.limits.ofApiKeyFailure(service, address)) ?? found;
  }

  /** The key of a text, in any state. @returns undefined if there is no such key */
  async identify(text: string): Promise<ApiKeyRow | undefined> {
    const parsed = parseApiKey(text);
    if (parsed?.environment !== this.settings.environment) return undefined;
    const key = await this.store.find(parsed.id);
    return matchesHash(apiKeyHash(text), key?.digest, this.replica.secretKey) ? key : undefined;
  }

  async #find(text: string): Promise<UsableApiKey | ApiKeyRefused> {
    if (parseApiKey(text) === undefined) return new ApiKeyRefused('API_KEY_MALFORMED');
    const key = await this.identify(text);
    if (key === undefined) return new ApiKeyRefused('API_KEY_UNKNOWN');
    const status = statusOf(key, this.clock());
    if (status !== 'live' && status !== 'rotated') return new ApiKeyRefused(faults[status], key);
    const registered = this.replica.client(key.clientId);
    if (registered?.disabled !== false) return new ApiKeyRefused('CLIENT_DISABLED', key);
    return { key, owner: registered.client };
  }
}
