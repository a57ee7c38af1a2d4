import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, byItself, CLOCK, DATABASE, unattended, type Database } from '@countersign/service-host';
import { type DelegationId } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { SESSION_TIMES, type SessionTimes } from '../sessions/session.js';
import { LAST_TOKEN_SECONDS } from './delegation-ends.js';
import { RefreshStore } from './refresh.store.js';

const CHECK_EVERY_MS = 300_000;
/** Maximum checked by one statement: a whole large table would exceed the statement limit. */
const CHECK_AT_ONCE = 2_000;
/** Maximum ended in one transaction. */
const END_AT_ONCE = 200;

/** Ends delegations that nobody ended: once their last token has expired and none can follow, they disappear from the account page. */
@Injectable()
export class DelegationExpiry implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RefreshStore) private readonly store: RefreshStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(SESSION_TIMES) private readonly sessions: SessionTimes,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'expired_delegations',
      everyMs: CHECK_EVERY_MS,
      run: async (signal) => {
        await this.run(signal);
        return undefined;
      },
    });
  }

  /**
   * One round over all live delegations.
   * @param signal ends it between two portions
   * @param checkAtOnce how many one statement checks
   * @returns how many it ended
   */
  async run(signal?: AbortSignal, checkAtOnce = CHECK_AT_ONCE): Promise<number> {
    const before = new Date(this.clock().getTime() - LAST_TOKEN_SECONDS * 1_000);
    let ended = 0;
    for (let after: DelegationId | undefined; ;) {
      const { last, expired } = await this.store.portion(before, this.sessions, after, checkAtOnce);
      for (let from = 0; from < expired.length && signal?.aborted !== true; from += END_AT_ONCE)
        ended += await this.#end(expired.slice(from, from + END_AT_ONCE), before);
      if (last === undefined || signal?.aborted === true) return ended;
      after = last;
    }
  }

  #end(portion: readonly DelegationId[], before: Date): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const ids = await this.store.expired(transaction, portion, before, this.sessions);
      const who = byItself(unattended());
      for (const id of ids) {
        await this.delegations.endIn(transaction, { id }, 'EXPIRED', who, { tokensAreRefused: true });
      }
      return ids.length;
    });
  }
}
