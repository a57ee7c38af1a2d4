import { type LogReach } from '../log/log-reach.js';

/** What is known of the log's end outside its database, compared with what the database has. */
export class LogComparison {
  #end = 0n;
  #restored = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param nextIndex the index of the next event, according to the database */
  constructor(
    private readonly reach: LogReach,
    private readonly nextIndex: () => Promise<bigint>,
  ) {}

  /** The index after the last one that anybody knows of. */
  get end(): bigint {
    return this.#end;
  }

  /** Whether something outside knows more of the log than its database. */
  get restored(): boolean {
    return this.#restored;
  }

  /**
   * Compares the log with outside knowledge, one comparison after another. The database's answer is only compared with what was
   * known before the query, because the log keeps growing.
   * @param end the index after the last one
   * @returns the next index of a log that was just found to be restored
   */
  with(end: bigint): Promise<bigint | undefined> {
    const compared = this.#last.then(() => this.#compare(end));
    this.#last = compared.catch(() => undefined);
    return compared;
  }

  async #compare(end: bigint): Promise<bigint | undefined> {
    for (const known of [end, this.reach.end]) if (known > this.#end) this.#end = known;
    const next = await this.nextIndex();
    this.reach.saw(next);
    const before = this.#restored;
    this.#restored = next < this.#end;
    return this.#restored && !before ? next : undefined;
  }
}
