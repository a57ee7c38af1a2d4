import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type MemoryRevocationList } from '@countersign/auth-core';
import { Background, CLOCK } from '@countersign/service-host';

/** Milliseconds between two rounds that drop expired entries. */
const PRUNE_EVERY_MS = 10_000;

/**
 * Injection token of the revocations in this replica's memory, for tokens that return to the issuer itself: subject tokens, tokens
 * to introspect, and those of its admin routes. The replica fills it from the database, so it does not depend on NATS.
 */
export const REVOKED = Symbol('countersign.issuer.revoked');

/** Injection token of the hash over all of these, which validators compare with their own. */
export const LIST_DIGEST = Symbol('countersign.issuer.list-digest');

/** Drops expired entries from memory. */
@Injectable()
export class RevocationMemory implements OnModuleInit {
  constructor(
    @Inject(REVOKED) private readonly list: MemoryRevocationList,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'revocation_memory',
      everyMs: PRUNE_EVERY_MS,
      run: () => {
        this.list.prune(this.clock().getTime() / 1_000);
        return Promise.resolve(undefined);
      },
    });
  }
}
