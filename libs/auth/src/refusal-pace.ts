import { FloodingKeys } from './flooding-keys.js';
import { clockwork, HeldAnswers, HELD_LIMIT, type Clockwork } from './held-answers.js';

/** The parts of a connection (HTTP/1.1) or of a stream (HTTP/2) that are used here. */
interface Wire {
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
  pause(): unknown;
}

function isWire(value: unknown): value is Wire {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['once', 'off', 'pause'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

/** Node's own request, which Fastify's wraps and Express extends. */
function rawOf(request: object): object {
  const { raw }: { readonly raw?: unknown } = request;
  return typeof raw === 'object' && raw !== null ? raw : request;
}

/** Where a request came from: its connection, which it has for itself until it is answered, or its stream. */
function wireOf(request: object): { readonly wire: Wire | undefined; readonly canClose: boolean } {
  const {
    stream,
    socket,
    httpVersionMajor,
  }: { readonly stream?: unknown; readonly socket?: unknown; readonly httpVersionMajor?: unknown } = rawOf(request);
  const canClose = httpVersionMajor === 1;
  const wire = canClose ? socket : stream;
  return { wire: isWire(wire) ? wire : undefined, canClose };
}

/**
 * Sends the refusals of one process at a pace that the other callers do not notice. A key that floods gets its answers late ({@link HeldAnswers}),
 * so it sends fewer requests. A connection that sends more requests without waiting for a held answer is no longer read, and is closed with that
 * answer: what it still sends costs nothing, and no burst of it can arrive later.
 */
export class RefusalPace {
  readonly #flooding: FloodingKeys;
  readonly #held: HeldAnswers;
  readonly #holding = new WeakSet<Wire>();

  constructor(clock: Clockwork = clockwork) {
    this.#flooding = new FloodingKeys(2 * HELD_LIMIT, () => clock.now());
    this.#held = new HeldAnswers(clock);
  }

  /** Refusals that wait for their answer. */
  get waiting(): number {
    return this.#held.size;
  }

  /**
   * Answers a refusal: immediately, or later if its key floods. Call it outside the event in which the request was parsed: Node resumes the
   * connection at the end of that.
   * @param id of the key
   * @param send sends the answer; called once, with whether it is the last on its connection
   */
  answer(id: string, request: object, send: (isLast: boolean) => void): void {
    if (!this.#flooding.refused(id)) {
      send(false);
      return;
    }
    const { wire, canClose } = wireOf(request);
    if (wire !== undefined && canClose && this.#holding.has(wire)) {
      wire.pause();
      send(true);
      return;
    }
    const answerNow = this.#held.hold(id, () => {
      if (wire !== undefined && answerNow !== undefined) {
        this.#holding.delete(wire);
        wire.off('close', answerNow);
      }
      send(false);
    });
    if (answerNow === undefined) send(canClose);
    else if (wire !== undefined) {
      this.#holding.add(wire);
      wire.once('close', answerNow);
    }
  }

  /** Answers all held refusals, and delays none afterwards. */
  close(): void {
    this.#held.close();
  }
}
