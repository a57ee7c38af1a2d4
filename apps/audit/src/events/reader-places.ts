import { type Principal } from '@countersign/auth-core';
import { READ_ALL } from './visibility.js';

export interface PlaceLimits {
  /** Readers at once, in this process. */
  readonly total: number;
  /** Of these, places that only readers with `audit:read` may take. */
  readonly reserved: number;
  /** Places that one client may have. */
  readonly perClient: number;
}

/** Why a reader gets no place: all are taken that it may take, or its client has as many as one may have. */
export type PlaceRefusal = 'busy' | 'client-busy';

/** Places for readers that stay: nobody takes all of them, and an auditor always finds one that others cannot take. */
export class ReaderPlaces {
  readonly #byClient = new Map<string, number>();
  #taken = 0;
  #takenByOthers = 0;

  constructor(private readonly limits: PlaceLimits) {}

  /** @returns the place, to be left exactly once by calling it (more often does nothing), or the reason why not */
  take({ clientId, scopes }: Pick<Principal, 'clientId' | 'scopes'>): (() => void) | PlaceRefusal {
    const { total, reserved, perClient } = this.limits;
    const others = scopes.has(READ_ALL) ? 0 : 1;
    const ofClient = this.#byClient.get(clientId) ?? 0;
    if (ofClient >= perClient) return 'client-busy';
    if (this.#taken >= total || (others === 1 && this.#takenByOthers >= total - reserved)) return 'busy';
    this.#taken += 1;
    this.#takenByOthers += others;
    this.#byClient.set(clientId, ofClient + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#taken -= 1;
      this.#takenByOthers -= others;
      const now = (this.#byClient.get(clientId) ?? 1) - 1;
      if (now === 0) this.#byClient.delete(clientId);
      else this.#byClient.set(clientId, now);
    };
  }
}
