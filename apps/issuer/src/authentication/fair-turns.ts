type Start = (mayRun: boolean) => void;

/**
 * Runs costly work, a bounded number at a time. Waiting work is served round-robin by key, so that one key's flood does not keep the
 * others waiting; when too many wait, the key with the most waiting loses its newest.
 */
export class FairTurns {
  readonly #waiting = new Map<string, Start[]>();
  #waits = 0;
  #running = 0;

  /**
   * @param atOnce maximum work running concurrently
   * @param waitingLimit how many may wait
   */
  constructor(
    private readonly atOnce: number,
    private readonly waitingLimit: number,
  ) {}

  /** @returns the result of the work; undefined if too much was waiting and it was not done */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#running < this.atOnce) this.#running += 1;
    else if (!(await this.#turn(key))) return undefined;
    try {
      return await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#running -= 1;
      else next(true);
    }
  }

  #turn(key: string): Promise<boolean> {
    if (this.#waits >= this.waitingLimit && !this.#makeRoomFor(key)) return Promise.resolve(false);
    return new Promise((start) => {
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), start]);
      this.#waits += 1;
    });
  }

  #makeRoomFor(key: string): boolean {
    const own = this.#waiting.get(key)?.length ?? 0;
    const [, longest] = [...this.#waiting].reduce((most, one) => (one[1].length > most[1].length ? one : most));
    if (longest.length <= own + 1) return false;
    longest.pop()?.(false);
    this.#waits -= 1;
    return true;
  }

  #next(): Start | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [key, [start, ...rest]] = first;
    this.#waiting.delete(key);
    if (rest.length > 0) this.#waiting.set(key, rest);
    this.#waits -= 1;
    return start;
  }
}
