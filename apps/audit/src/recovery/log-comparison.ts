import { type LogReach } from '../log/log-reach.js';

/** What is known of the log's end outside its database, compared with what the database has. */
export class LogComparison {
  #end = 0n;
  #restored = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param nextIndex the index that the next event gets, as the database has it */
  constructor(
    private readonly reach: LogReach,
    private readonly nextIndex: () => Promise<bigint>,
  ) {}

  /** The index behind the last one that anybody knows of. */
  get end(): bigint {
    return this.#end;
  }

  /** Whether something is known of the log that its database lacks. */
  get restored(): boolean {
    return this.#restored;
  }

  /**
   * Compares the log with what somebody outside knows of; one comparison after another. What the database answers is only compared with what was
   * known before it was asked, since the log grows meanwhile.
   * @param end the index behind the last one
   * @returns the next index of a log that was found to be restored just now
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
