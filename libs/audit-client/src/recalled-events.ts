import { type JetStreamClient } from '@nats-io/jetstream';
import { packEvents, publishRecalled } from './event-batch.js';
import { type KeptEvents, type KeptEventsStore } from './kept-events.store.js';

/** Part of a recalled message for its events; the rest is for their salts, which can be longer than the events. */
const RECALLED_SHARE = 1 / 4;

/** What audit asks for, from a log index on, and the last ones that were sent. */
interface Recall {
  readonly from: bigint;
  readonly after?: KeptEvents | undefined;
}

/** Where recalled events go. */
export interface RecalledOptions {
  readonly source: string;
  /** Maximum bytes of a message. */
  readonly sizeLimit: () => number;
  readonly signal: AbortSignal;
}

/** Sends what audit has lost, because its database was restored, and this service still keeps. */
export class RecalledEvents {
  #recall: Recall | undefined;

  constructor(private readonly options: RecalledOptions) {}

  /** Audit asks for everything from a log index on, whatever it asked for before. */
  ask(from: bigint): void {
    this.#recall = { from };
  }

  /**
   * Sends it. It can be more than the stream holds, so it continues where the stream has refused.
   * @returns the refusal, if any
   */
  async send(kept: KeptEventsStore, stream: JetStreamClient): Promise<PromiseRejectedResult | undefined> {
    for (let recall = this.#recall; recall !== undefined; recall = this.#recall) {
      if (this.options.signal.aborted) return undefined;
      const page = await kept.from(recall.from, recall.after);
      for (const events of page) {
        const [result] = await Promise.allSettled([this.#sendKept(stream, events)]);
        if (result.status === 'rejected') return result;
        // Unless audit has asked again, for everything.
        if (this.#recall === recall) this.#recall = recall = { from: recall.from, after: events };
      }
      if (page.length === 0 && this.#recall === recall) this.#recall = undefined;
    }
    return undefined;
  }

  async #sendKept(stream: JetStreamClient, { firstIndex, events, salts, known }: KeptEvents): Promise<void> {
    const first = events[0]?.sequence ?? 0n;
    for (const batch of packEvents(events, { bytes: this.options.sizeLimit() * RECALLED_SHARE }))
      await publishRecalled(stream, this.options.source, batch, {
        index: firstIndex + batch.first - first,
        salts,
        known,
      });
  }
}
