import { AuditEventError } from './audit-event.js';

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  /** Milliseconds that the first of a group waits for others. */
  readonly windowMs: number;
  /** Items of one write at the most. */
  readonly groupLimit: number;
  /** Items that may wait at the most; one more is refused. */
  readonly queueLimit: number;
  /** Items that do not wait for the window's end; as many as a write takes, when left out. */
  readonly fullAt?: number;
  /** Writes under way at once; 1 when left out. */
  readonly writesAtOnce?: number;
}

/** Lets concurrent writers share one durable write: each `add` resolves once its own item is committed. */
export class GroupCommit<Item> {
  readonly #waiting: Waiting<Item>[] = [];
  #window: NodeJS.Timeout | undefined;
  #writes = 0;
  readonly #fullAt: number;
  readonly #writesAtOnce: number;

  constructor(
    private readonly write: (items: readonly Item[]) => Promise<void>,
    private readonly options: GroupCommitOptions,
  ) {
    this.#fullAt = options.fullAt ?? options.groupLimit;
    this.#writesAtOnce = options.writesAtOnce ?? 1;
  }

  add(item: Item): Promise<void> {
    if (this.#waiting.length >= this.options.queueLimit) {
      return Promise.reject(new AuditEventError('OUTBOX_FULL', 'too many events wait for the database'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length >= this.#fullAt && this.#writes < this.#writesAtOnce) void this.#drain();
      // While a write is under way, its end is the end of the window.
      else if (this.#writes === 0) this.#window ??= setTimeout(() => void this.#drain(), this.options.windowMs);
    });
  }

  /** Writes group after group until none waits. */
  async #drain(): Promise<void> {
    clearTimeout(this.#window);
    this.#window = undefined;
    this.#writes += 1;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.options.groupLimit);
      try {
        await this.write(group.map(({ item }) => item));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#writes -= 1;
  }
}
