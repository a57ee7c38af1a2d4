import { AuditEventError } from '@countersign/audit-event';

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Limits of a {@link GroupCommit}. */
export interface GroupCommitOptions {
  /** Maximum items in one write. */
  readonly groupLimit: number;
  /** Maximum waiting items; more are refused. */
  readonly queueLimit: number;
}

/**
 * Lets concurrent writers share one durable write: each `add` resolves once its own item is committed. Items added in one turn of the event loop form
 * a group, and so do all that arrive while a write is in progress: nobody waits for a timer, and groups grow with load.
 */
export class GroupCommit<Item> {
  readonly #waiting: Waiting<Item>[] = [];
  #writing = false;

  constructor(
    private readonly write: (items: readonly Item[]) => Promise<void>,
    private readonly options: GroupCommitOptions,
  ) {}

  add(item: Item): Promise<void> {
    if (this.#waiting.length >= this.options.queueLimit) {
      return Promise.reject(new AuditEventError('OUTBOX_FULL', 'too many events wait for the database'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#writing) return;
      this.#writing = true;
      setImmediate(() => void this.#drain());
    });
  }

  /** Writes one group after another until nothing waits. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.options.groupLimit);
      try {
        await this.write(group.map(({ item }) => item));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#writing = false;
  }
}
