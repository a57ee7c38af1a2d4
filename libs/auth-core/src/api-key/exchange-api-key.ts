import { monotonicClock } from '../clock.js';
import { Pause } from '../client/pause.js';
import { TokenEndpoint, type TokenClientOptions } from '../client/token-endpoint.js';
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE } from '../oauth.js';
import { type ExchangeApiKey } from './api-key-tokens.js';

/** The client that exchanges API keys. */
export interface ApiKeyExchangeClientOptions extends Omit<TokenClientOptions, 'dpopKey' | 'cacheSize'> {
  /** The service's own audience, which is its client's name. */
  readonly audience: string;
}

/**
 * Exchanges keys at the issuer. Backs off while the issuer is unavailable; a rejected key affects that key only.
 * @throws {TypeError} for an endpoint of plain http beyond this machine, without `allowPlainHttp`
 */
export function createApiKeyExchange(options: ApiKeyExchangeClientOptions): ExchangeApiKey {
  const { monotonic = monotonicClock, random = Math.random, audience } = options;
  const away = new Pause({
    monotonic,
    random,
    wait: () => Promise.resolve(),
    // The caller does not wait: it gets an error that the issuer is unavailable.
    maxWaitMs: 0,
    pauses: ({ retryable, status }) => (retryable && status !== 429) || status === 401,
  });
  const endpoint = new TokenEndpoint(
    { ...options, retries: options.retries ?? 0 },
    { ask: (ask) => ask(), isShort: false },
  );
  return (key, address) =>
    away.run(() =>
      endpoint.ask(
        {
          grant_type: TOKEN_EXCHANGE,
          subject_token: key,
          subject_token_type: API_KEY_TOKEN_TYPE,
          audience,
          ...(address === undefined ? {} : { client_address: address }),
        },
        undefined,
      ),
    );
}
