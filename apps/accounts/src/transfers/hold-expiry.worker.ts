import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, LOGGER } from '@countersign/service-host';
import { type Logger } from 'pino';
import { EXPIRY_LIMIT } from '../limits.js';
import { HoldExpiry } from './hold-expiry.service.js';

export const HOLD_EXPIRY_INTERVAL = Symbol('countersign.accounts.hold-expiry-interval');

/** Ends expired holds on a schedule. */
@Injectable()
export class HoldExpiryWorker implements OnModuleInit {
  constructor(
    @Inject(HoldExpiry) private readonly expiry: HoldExpiry,
    @Inject(Background) private readonly background: Background,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HOLD_EXPIRY_INTERVAL) private readonly everyMs: number,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'hold_expiry',
      everyMs: this.everyMs,
      run: async () => {
        const ended = await this.expiry.sweep();
        if (ended > 0) this.logger.info({ ended }, 'holds expired');
        return ended === EXPIRY_LIMIT ? 'again' : undefined;
      },
    });
  }
}
