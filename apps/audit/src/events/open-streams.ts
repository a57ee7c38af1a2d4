import { untilStalled } from './until-stalled.js';

/** The open streams of readers. A stop ends those that are still open, and waits for what each records at its end. */
export class OpenStreams {
  readonly #open = new Set<AsyncGenerator<string>>();

  /** Passes a stream through like {@link untilStalled}. */
  async *follow(source: AsyncGenerator<string>, stallMs: number): AsyncGenerator<string> {
    this.#open.add(source);
    try {
      yield* untilStalled(source, stallMs);
    } finally {
      this.#open.delete(source);
    }
  }

  async end(): Promise<void> {
    await Promise.allSettled([...this.#open].map((source) => source.return(undefined)));
  }
}
