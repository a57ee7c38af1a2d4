import { type Principal } from '@countersign/auth-core';
import { READ_ALL } from './visibility.js';

export interface PlaceLimits {
  /** Maximum concurrent readers in this process. */
  readonly total: number;
  /** Places among these reserved for readers with `audit:read`. */
  readonly reserved: number;
  /** Maximum places of one client. */
  readonly perClient: number;
}

/** Why a reader gets no place: all places available to it are taken, or its client has reached its limit. */
export type PlaceRefusal = 'busy' | 'client-busy';

/** Places for long-running readers: nobody can take all of them, and some are reserved for auditors. */
export class ReaderPlaces {
  readonly #byClient = new Map<string, number>();
  #taken = 0;
  #takenByOthers = 0;

  constructor(private readonly limits: PlaceLimits) {}

  /** @returns a function that releases the place (calling it again does nothing), or the reason for the refusal */
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
