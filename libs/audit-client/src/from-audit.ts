import { type NatsConnection } from '@nats-io/transport-node';
import { type ConnectionLogger } from './nats-connection.js';
import { outboxReasonOf } from './outbox-tables.js';
import { parsePlacement, parseReceipt, parseRecall, receiptSubject, type Place } from './receipts.js';

/** Maximum placements that wait for one statement; audit sends the rest again. */
const PLACE_LIMIT = 1_000;

/** Milliseconds after which a subscription that the server refused is tried again. */
const SUBSCRIBE_AGAIN_MS = 5_000;

/** Whose messages are received, and what follows from them. */
export interface FromAuditOptions {
  readonly source: string;
  readonly logger: ConnectionLogger;
  /** Whether places are wanted: only the replica that relays stores them. */
  readonly isLeading: () => boolean;
  /** Audit asks for all kept events from a log index on. */
  readonly onRecall: (from: bigint) => void;
}

/** What audit says to a source: how far its events are in the log, at which places, and which of them it needs again. */
export class FromAudit {
  #through = 0n;
  #sendsPlaces = false;
  #places: Place[] = [];
  #fault: string | null = null;

  constructor(private readonly options: FromAuditOptions) {}

  /** The highest receipt: every event up to this number is in the log. */
  get through(): bigint {
    return this.#through;
  }

  /** Whether audit sends places; an older version only sends receipts. */
  get sendsPlaces(): boolean {
    return this.#sendsPlaces;
  }

  get hasPlaces(): boolean {
    return this.#places.length > 0;
  }

  /** The places that came since the last time. */
  takePlaces(): readonly Place[] {
    return this.#places.splice(0);
  }

  /** Why nothing can be received; null while it can. */
  get fault(): string | null {
    return this.#fault;
  }

  listen(connection: NatsConnection): void {
    connection.subscribe(receiptSubject(this.options.source), {
      callback: (error, message) => {
        if (error !== null) {
          this.#refused(connection, error);
          return;
        }
        this.#fault = null;
        const text = message.string();
        const receipt = parseReceipt(text);
        if (receipt === undefined) this.#takePlacesOf(text);
        else if (receipt.source === this.options.source) {
          const through = BigInt(receipt.through);
          if (through > this.#through) this.#through = through;
        }
      },
    });
  }

  /** The server refuses the subscription, and would not renew it once the permission is granted. */
  #refused(connection: NatsConnection, error: Error): void {
    const reason = outboxReasonOf(error);
    if (reason !== this.#fault)
      this.options.logger.warn({ reason }, 'no receipts: published events stay in the outbox');
    this.#fault = reason;
    const again = setTimeout(() => {
      if (!connection.isClosed()) this.listen(connection);
    }, SUBSCRIBE_AGAIN_MS);
    again.unref();
  }

  #takePlacesOf(text: string): void {
    const { source, isLeading, onRecall } = this.options;
    const recall = parseRecall(text);
    if (recall?.source === source) {
      onRecall(BigInt(recall.recall));
      return;
    }
    const placement = parsePlacement(text);
    if (placement?.source !== source) return;
    this.#sendsPlaces = true;
    if (isLeading() && this.#places.length < PLACE_LIMIT) this.#places.push(...placement.places);
  }
}
