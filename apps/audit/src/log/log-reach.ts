/** The database has less of the log than this process has already seen: it was replaced by a backup, or by a standby that lagged behind. */
export class LogWentBack extends Error {
  readonly code = 'LOG_WENT_BACK';
  /** @param end the index after the last one seen */
  constructor(readonly end: bigint) {
    super(`the database lacks entries that it once had: the log reached index ${String(end - 1n)}`);
    this.name = 'LogWentBack';
  }
}

/** How far this process has seen the log reach. It never shrinks, unless the database was replaced. */
export class LogReach {
  #end = 0n;

  /** The index after the last one seen. */
  get end(): bigint {
    return this.#end;
  }

  /** @param end the index after the last one that the database has committed */
  saw(end: bigint): void {
    if (end > this.#end) this.#end = end;
  }

  /**
   * Call this in the transaction that appends or signs, before it does.
   * @param next the index of the next event
   * @param end its value before the query, unless the query locked the log, because the log may have grown since
   * @throws {LogWentBack}
   */
  check(next: bigint, end = this.#end): void {
    if (next < end) throw new LogWentBack(end);
  }
}
