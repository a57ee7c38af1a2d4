import { Global, Inject, Module } from '@nestjs/common';
import type pg from 'pg';
import { Background } from '../background.service.js';
import { CLOCK, POOL } from '../tokens.js';
import { PostgresDpopReplayStore } from './dpop-replay.store.js';

const PRUNE_EVERY_MS = 30_000;

/** The DPoP proofs used at this service, and the task that deletes them. Separate from the guard's module, which depends on it. */
@Global()
@Module({
  providers: [
    {
      provide: PostgresDpopReplayStore,
      inject: [POOL, CLOCK],
      useFactory: (pool: pg.Pool, clock: () => Date) => new PostgresDpopReplayStore(pool, () => clock().getTime()),
    },
  ],
  exports: [PostgresDpopReplayStore],
})
export class UsedProofsModule {
  constructor(
    @Inject(PostgresDpopReplayStore) proofs: PostgresDpopReplayStore,
    @Inject(Background) background: Background,
  ) {
    background.repeat({
      name: 'used_proofs',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        await proofs.prune(signal);
        return undefined;
      },
    });
  }
}
