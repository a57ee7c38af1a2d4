/** The database has less of the log than this process has seen there: a backup, or a standby that was behind, has taken its place. */
export class LogWentBack extends Error {
  readonly code = 'LOG_WENT_BACK';
  /** @param end the index behind the last one that was seen */
  constructor(readonly end: bigint) {
    super(`the database lacks entries that it had: the log reached index ${String(end - 1n)}`);
    this.name = 'LogWentBack';
  }
}

/** How far this process has seen the log reach. It never ends earlier, unless the database is another one by now. */
export class LogReach {
  #end = 0n;

  /** The index behind the last one that was seen. */
  get end(): bigint {
    return this.#end;
  }

  /** @param end the index behind the last one, as the database has committed it */
  saw(end: bigint): void {
    if (end > this.#end) this.#end = end;
  }

  /**
   * To be asked in the transaction that appends or signs, before it does.
   * @param next the index that the next event gets
   * @param end as it was before the database was asked, unless the question locked the log: it may have grown since the answer
   * @throws {LogWentBack}
   */
  check(next: bigint, end = this.#end): void {
    if (next < end) throw new LogWentBack(end);
  }
}
