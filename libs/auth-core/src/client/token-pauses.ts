import { BoundedMap } from '../bounded-map.js';
import { Pause, type PauseOptions } from './pause.js';
import { type AccessToken, type TokenRequestError } from './token-request.js';

/** The error for a proof that lacks the issuer's nonce: the next try includes it (RFC 9449, section 8). */
const asksForNonce = ({ code }: TokenRequestError): boolean => code === 'use_dpop_nonce';

/** Whether a failure affects every request of this client: the issuer is unavailable, is rate-limiting, or does not know the client. */
function concernsClient({ code, status, retryable }: TokenRequestError): boolean {
  return retryable || status === 401 || code === 'invalid_client' || code === 'unauthorized_client';
}

/**
 * The pauses of one client at one issuer: one for all requests, and one for each request that was refused (`invalid_scope`, `invalid_grant`, …).
 * Bounded: the oldest refusal is forgotten.
 */
export class TokenPauses {
  readonly #client: Pause;
  readonly #refused: BoundedMap<string, Pause>;

  /** @param limit maximum refused requests remembered */
  constructor(
    private readonly options: Omit<PauseOptions, 'pauses'>,
    limit: number,
  ) {
    this.#refused = new BoundedMap(limit);
    this.#client = new Pause({ ...options, pauses: (error) => concernsClient(error) && !asksForNonce(error) });
  }

  /** Whether a retry is worth waiting for. */
  get isShort(): boolean {
    return this.#client.isShort;
  }

  /** One try at the issuer, unless it is paused. @throws {TokenRequestError} */
  ask(ask: () => Promise<AccessToken>): Promise<AccessToken> {
    return this.#client.run(ask);
  }

  /** All tries for one request, unless it was just refused. @throws {TokenRequestError} */
  async request(name: string, ask: () => Promise<AccessToken>): Promise<AccessToken> {
    const pauses = (error: TokenRequestError): boolean => !concernsClient(error) && !asksForNonce(error);
    const pause = this.#refused.get(name) ?? new Pause({ ...this.options, pauses });
    try {
      return await pause.run(ask);
    } finally {
      this.#refused.delete(name);
      if (pause.isOn) this.#refused.set(name, pause);
    }
  }
}
