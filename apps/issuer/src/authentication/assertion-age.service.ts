import { Inject, Injectable } from '@nestjs/common';
import { CLOCK } from '@countersign/service-host';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';
import { Replica } from '../registry/replica.service.js';

/** How old a client's assertion may be if a restored database may have lost the record of earlier uses. */
@Injectable()
export class AssertionAge {
  readonly #startedAt: number;
  #isCompared = false;

  constructor(
    @Inject(Replica) private readonly replica: Pick<Replica, 'restoredAt'>,
    @Inject(CLOCK) clock: () => Date,
  ) {
    this.#startedAt = clock().getTime() / 1_000;
  }

  /**
   * Seconds since 1970 before which no assertion may have been issued: while a restored database is not acknowledged and, for assertions older
   * than this process, until the first comparison with the bucket. Nothing otherwise.
   */
  get since(): number | undefined {
    const { restoredAt } = this.replica;
    // An assertion of the same whole second may have been created and used before.
    if (restoredAt !== undefined) return Math.ceil(restoredAt / 1_000);
    return this.#isCompared ? undefined : Math.floor(this.#startedAt) - CLOCK_TOLERANCE_SECONDS;
  }

  /** The database and the bucket were compared, and the database has everything that was published. */
  compared(): void {
    this.#isCompared = true;
  }
}
