import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, byItself, CLOCK, DATABASE, unattended, type Database } from '@countersign/service-host';
import { type DelegationId } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { SESSION_TIMES, type SessionTimes } from '../sessions/session.js';
import { LAST_TOKEN_SECONDS } from './delegation-ends.js';
import { RefreshStore } from './refresh.store.js';

const CHECK_EVERY_MS = 300_000;
/** Maximum checked, and perhaps ended, in one transaction: a whole large table would exceed the statement limit. */
const AT_ONCE = 200;

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

  /** One round over all live delegations. @param signal ends it between two portions @returns how many it ended */
  async run(signal?: AbortSignal): Promise<number> {
    const before = new Date(this.clock().getTime() - LAST_TOKEN_SECONDS * 1_000);
    let ended = 0;
    for (let after: DelegationId | undefined; ;) {
      const portion = await this.store.live(before, after, AT_ONCE);
      after = portion.at(-1);
      if (after === undefined) return ended;
      ended += await this.#end(portion, before);
      if (portion.length < AT_ONCE || signal?.aborted === true) return ended;
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
