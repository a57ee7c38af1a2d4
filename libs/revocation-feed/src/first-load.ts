/** Why {@link RevocationFeed.loaded} ended without a list. */
export class RevocationFeedError extends Error {
  readonly code = 'REVOCATIONS_NOT_LOADED';
  constructor(reason: string) {
    super(`no revocation list is loaded: ${reason}`);
    this.name = 'RevocationFeedError';
  }
}

/** The first complete list, which anyone may await for a limited time. */
export class FirstLoad {
  readonly promise: Promise<void>;
  #isDone = false;
  #resolve: () => void = () => undefined;
  #reject: (error: RevocationFeedError) => void = () => undefined;
  readonly #limit: NodeJS.Timeout;

  /** @param reason why there is none, once the limit is reached */
  constructor(limitMs: number, reason: () => string) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Awaiting it is optional.
    this.promise.catch(() => undefined);
    this.#limit = setTimeout(() => {
      this.giveUp(`${reason()} (after ${String(limitMs)} ms)`);
    }, limitMs);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  done(): void {
    this.#isDone = true;
    clearTimeout(this.#limit);
    this.#resolve();
  }

  giveUp(reason: string): void {
    clearTimeout(this.#limit);
    this.#reject(new RevocationFeedError(reason));
  }
}
