import { TokenRequestError, type AccessToken } from './token-request.js';

export interface PauseOptions {
  /** Whether a failure pauses all callers. */
  readonly pauses: (error: TokenRequestError) => boolean;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
  /** Waits that many milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
  /** Maximum milliseconds that a call waits for the end of a pause; at most a second if the issuer did not ask for the pause. */
  readonly maxWaitMs: number;
}

/** First and longest pause in milliseconds, doubling in between: for an issuer that is unavailable, and for one that refuses. */
const AWAY_MS = [100, 5_000] as const;
const REFUSED_MS = [1_000, 30_000] as const;
/** Milliseconds that a call waits for an issuer that did not ask it to. */
const UNASKED_WAIT_MS = 1_000;
/** Maximum seconds of `Retry-After` that are honoured: a proxy must not silence a service for a day. */
const RETRY_AFTER_LIMIT = 300;

interface Failed {
  readonly error: TokenRequestError;
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
  /** Failures without a success in between. */
  readonly times: number;
}

/**
 * Keeps calls from repeating what just failed. After a failure all calls pause, for a time that grows with each further failure and is never
 * shorter than `Retry-After`; calls during the pause fail with the same error, or wait if the pause is about to end. Then one call tries, and the others wait
 * for its outcome.
 */
export class Pause {
  #failed: Failed | undefined;
  #trial: Promise<unknown> | undefined;

  constructor(private readonly options: PauseOptions) {}

  /** Whether the last call failed. */
  get isOn(): boolean {
    return this.#failed !== undefined;
  }

  /** Whether it is worth waiting for the end: the failure is temporary, and the pause is short. */
  get isShort(): boolean {
    return this.#failed === undefined || this.#waitsFor(this.#failed);
  }

  /** @throws {TokenRequestError} that of `ask`, or the one that caused the present pause */
  async run(ask: () => Promise<AccessToken>): Promise<AccessToken> {
    for (let waitedFor: Failed | undefined; ;) {
      const failed = this.#failed;
      if (failed === undefined) return this.#ask(ask);
      const leftMs = failed.until - this.options.monotonic();
      const isNew = waitedFor !== undefined && waitedFor !== failed;
      if (isNew || (leftMs > 0 && !this.#waitsFor(failed))) throw shared(failed.error, Math.max(0, leftMs));
      waitedFor = failed;
      if (leftMs > 0) await this.options.wait(leftMs);
      else if (this.#trial === undefined) {
        const trial = this.#ask(ask);
        this.#trial = trial.then(
          () => undefined,
          () => undefined,
        );
        return trial.finally(() => {
          this.#trial = undefined;
        });
      } else await this.#trial;
    }
  }

  async #ask(ask: () => Promise<AccessToken>): Promise<AccessToken> {
    const before = this.#failed;
    try {
      const token = await ask();
      this.#failed = undefined;
      return token;
    } catch (error) {
      if (!(error instanceof TokenRequestError)) throw error;
      if (this.options.pauses(error)) this.#fail(error, before);
      else this.#failed = undefined;
      throw error;
    }
  }

  /** Concurrent calls fail together, so the pause does not grow with each of them. */
  #fail(error: TokenRequestError, before: Failed | undefined): void {
    const times = Math.max((before?.times ?? 0) + 1, this.#failed?.times ?? 0);
    const [first, last] = error.retryable ? AWAY_MS : REFUSED_MS;
    const own = Math.min(first * 2 ** (times - 1), last) * (0.5 + this.options.random() / 2);
    const asked = Math.min(error.retryAfterSeconds ?? 0, RETRY_AFTER_LIMIT) * 1_000;
    const until = this.options.monotonic() + Math.max(own, asked);
    this.#failed = { error, times, until: Math.max(until, this.#failed?.until ?? 0) };
  }

  #waitsFor({ error, until }: Failed): boolean {
    const { maxWaitMs, monotonic } = this.options;
    const limit = error.retryAfterSeconds === undefined ? Math.min(maxWaitMs, UNASKED_WAIT_MS) : maxWaitMs;
    return error.retryable && until - monotonic() <= limit;
  }
}

/** The error for callers during a pause. */
function shared({ code, message, status, retryable }: TokenRequestError, leftMs: number): TokenRequestError {
  const seconds = Math.ceil(leftMs / 100) / 10;
  const said = `${message} (retrying in ${String(seconds)} s)`;
  return new TokenRequestError(code, said, status, retryable, seconds);
}
