/** From Ctrl-C, a supervisor, a terminal that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What signals arrive at: this process. */
interface Receiver {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** The request to end this process in good order; another one after it, or one that comes too early, ends it immediately. */
export class Interruption {
  /** Resolves with the first request that can be followed. */
  readonly requested: Promise<void>;

  /**
   * @param onRequest returns whether what runs can be stopped in good order
   * @param endAtOnce does not return
   */
  constructor(receiver: Receiver, onRequest: () => boolean, endAtOnce: () => void) {
    this.requested = new Promise((resolve) => {
      let times = 0;
      const request = (): void => {
        times += 1;
        if (times > 1 || !onRequest()) endAtOnce();
        else resolve();
      };
      for (const signal of SIGNALS) receiver.on(signal, request);
    });
  }

  /** Waits for work, but not beyond a request to end. @returns undefined then: the work may continue until the process ends */
  orUndefined<Result>(work: Promise<Result>): Promise<Result | undefined> {
    return Promise.race([work, this.requested.then(() => undefined)]);
  }
}
