import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type MemoryRevocationList } from '@countersign/auth-core';
import { Background, CLOCK } from '@countersign/service-host';

/** Milliseconds between two rounds that forget what no longer matters. */
const PRUNE_EVERY_MS = 10_000;

/**
 * Injection token of what is revoked, in this replica's memory, for the tokens that come back to the issuer itself: subject tokens, those
 * that are introspected, and those of its own admin routes. The replica fills it from the database, so it holds whether NATS is there or not.
 */
export const REVOKED = Symbol('countersign.issuer.revoked');

/** Injection token of the hash over all of that, which validators compare with what they hold. */
export const LIST_DIGEST = Symbol('countersign.issuer.list-digest');

/** Forgets in memory what no longer matters. */
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
