import { type AccountId } from '../accounts/account.js';

/** One piece of work on some accounts. */
export interface Work<Item, Result> {
  readonly item: Item;
  readonly accounts: readonly AccountId[];
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export interface PostingQueueOptions {
  /** Batches in progress at the same time; each holds one database connection. */
  readonly lanes: number;
  /** Maximum items in one batch. */
  readonly batchLimit: number;
  /** Maximum waiting items. */
  readonly queueLimit: number;
}

/** Thrown if too many are already waiting. */
export class QueueFullError extends Error {
  readonly code = 'LEDGER_BUSY';
  constructor() {
    super('too many transfers are waiting for the database');
  }
}

/**
 * Lets concurrent transfers share one transaction: those that arrive while a batch commits form the next one. The hotter an account, the
 * larger its batches, so that its lock is taken once per batch and not once per transfer. Work on accounts that no batch in progress touches
 * does not wait for it. Work on one account is done in the order of its arrival.
 */
export class PostingQueue<Item, Result> {
  #waiting: Work<Item, Result>[] = [];
  readonly #busy = new Map<AccountId, number>();
  #lanes = 0;

  constructor(
    /** Settles each work of a batch; never throws. */
    private readonly run: (batch: readonly Work<Item, Result>[]) => Promise<void>,
    private readonly options: PostingQueueOptions,
  ) {}

  add(item: Item, accounts: readonly AccountId[]): Promise<Result> {
    if (this.#waiting.length >= this.options.queueLimit) return Promise.reject(new QueueFullError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, accounts, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#lanes < this.options.lanes && this.#waiting.length > 0) {
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#lanes += 1;
      this.#count(batch, 1);
      void this.run(batch).finally(() => {
        this.#lanes -= 1;
        this.#count(batch, -1);
        this.#next();
      });
    }
  }

  /** The oldest work whose accounts are free; work that stays reserves its accounts against newer work. */
  #take(): readonly Work<Item, Result>[] {
    const batch: Work<Item, Result>[] = [];
    const left: Work<Item, Result>[] = [];
    const wanted = new Set<AccountId>();
    for (const work of this.#waiting) {
      const free = work.accounts.every((id) => !this.#busy.has(id) && !wanted.has(id));
      if (free && batch.length < this.options.batchLimit) batch.push(work);
      else {
        left.push(work);
        for (const id of work.accounts) wanted.add(id);
      }
    }
    this.#waiting = left;
    return batch;
  }

  #count(batch: readonly Work<Item, Result>[], by: number): void {
    for (const id of batch.flatMap(({ accounts }) => accounts)) {
      const uses = (this.#busy.get(id) ?? 0) + by;
      if (uses === 0) this.#busy.delete(id);
      else this.#busy.set(id, uses);
    }
  }
}
