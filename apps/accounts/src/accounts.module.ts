import { Module, type DynamicModule } from '@nestjs/common';
import { by, keyedAnswers, ResourceServerModule } from '@countersign/service-host';
import { AccountsController } from './accounts/accounts.controller.js';
import { AccountsService } from './accounts/accounts.service.js';
import { AccountsStore } from './accounts/accounts.store.js';
import { HOLDS_ON_ACCOUNTS, type HoldsOnAccounts } from './accounts/holds.js';
import { type Configuration } from './configuration.js';
import { events } from './events.js';
import { InvariantsController } from './invariants/invariants.controller.js';
import { InvariantsService } from './invariants/invariants.service.js';
import { InvariantsStore } from './invariants/invariants.store.js';
import { StandingsController } from './standings/standings.controller.js';
import { StandingsService } from './standings/standings.service.js';
import { StandingsStore } from './standings/standings.store.js';
import { HoldExpiry } from './transfers/hold-expiry.service.js';
import { HOLD_EXPIRY_INTERVAL, HoldExpiryWorker } from './transfers/hold-expiry.worker.js';
import { CORRECTION_AGE_DAYS, Posting } from './transfers/posting.service.js';
import { TransfersController } from './transfers/transfers.controller.js';
import { TransfersService } from './transfers/transfers.service.js';
import { TransfersStore } from './transfers/transfers.store.js';

/** The ledger, in the order of a request: who is calling, what they may do, the double entry, the record of it. */
@Module({})
export class AccountsModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: AccountsModule,
      imports: [
        ResourceServerModule.forRoot({
          name: 'accounts',
          configuration,
          migrations: new URL('../migrations', import.meta.url),
          pipeline: true,
        }),
      ],
      controllers: [AccountsController, StandingsController, TransfersController, InvariantsController],
      providers: [
        AccountsService,
        AccountsStore,
        ...keyedAnswers({
          replayed: (caller, _route, id) => events.event('account.repeated', by(caller), { id }),
          refused: (caller, _route, id, reason) =>
            events.event('idempotency-key.refused', by(caller), { id, outcome: 'failed', reason }),
        }),
        TransfersService,
        TransfersStore,
        { provide: CORRECTION_AGE_DAYS, useValue: configuration.CORRECTION_AGE_DAYS },
        Posting,
        { provide: HOLD_EXPIRY_INTERVAL, useValue: configuration.HOLD_EXPIRY_INTERVAL_MS },
        HoldExpiry,
        HoldExpiryWorker,
        {
          provide: HOLDS_ON_ACCOUNTS,
          inject: [HoldExpiry, TransfersStore],
          useFactory: (expiry: HoldExpiry, store: TransfersStore): HoldsOnAccounts => ({
            releaseOverdue: (ids) => expiry.releaseOverdue(ids),
            anyOn: (transaction, id) => store.hasHolds(transaction, id),
          }),
        },
        StandingsService,
        StandingsStore,
        InvariantsService,
        InvariantsStore,
      ],
    };
  }
}
