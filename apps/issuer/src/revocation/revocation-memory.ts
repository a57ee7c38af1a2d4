import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type MemoryRevocationList } from '@countersign/auth-core';
import { type Revocation } from '@countersign/revocation-feed';
import { CLOCK, LOGGER } from '@countersign/service-host';
import { type Logger } from 'pino';
import { revocationOf, RevocationsStore } from './revocations.store.js';

/** Milliseconds between two looks for what other replicas revoked. */
const LOOK_EVERY_MS = 1_000;
/** Milliseconds by which each look reaches back before the last: a transaction may commit later than it began. */
const OVERLAP_MS = 30_000;

/** Injection token of the list itself, for what verifies tokens here. */
export const REVOKED = Symbol('countersign.issuer.revoked');

/**
 * What is revoked, in this replica's memory, for the tokens that come back to the issuer itself: subject tokens, and those of its own admin
 * routes. It follows the database, so that it holds whether NATS is there or not.
 */
@Injectable()
export class RevocationMemory implements OnApplicationBootstrap, OnApplicationShutdown {
  #lookedAt = 0;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(REVOKED) private readonly list: MemoryRevocationList,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const now = this.clock();
    for (const row of await this.store.inForce(now)) this.add(revocationOf(row));
    this.#lookedAt = now.getTime();
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Puts a revocation in force here. */
  add(revocation: Revocation): void {
    switch (revocation.kind) {
      case 'token':
        this.list.revokeToken(revocation.tokenId, revocation.until);
        break;
      case 'client':
        this.list.revokeClient(revocation.clientId, revocation.issuedBefore, revocation.until);
        break;
      case 'subject':
        this.list.revokeSubject(revocation.subject, revocation.issuedBefore, revocation.until);
        break;
      case 'key':
        this.list.revokeKey(revocation.keyId, revocation.until);
        break;
    }
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const now = this.clock().getTime();
      for (const row of await this.store.changedSince(new Date(this.#lookedAt - OVERLAP_MS)))
        this.add(revocationOf(row));
      this.#lookedAt = now;
      this.list.prune(now / 1_000);
    } catch (error) {
      this.logger.warn({ err: error }, 'what other replicas revoked could not be read; the next round tries again');
    } finally {
      this.#looking = false;
    }
  }
}
