/** A Fastify `onRequest` hook, or an Express middleware. */
export type RequestTurns = (request: unknown, reply: unknown, done: () => void) => void;

/**
 * Serves requests that arrived together in lockstep: each waits until the event loop has finished its current poll of the network, and then all take
 * each step together, so that a step's code and data are in the processor's cache for all but the first. A single request waits only microseconds.
 * Nothing waits to gather more, and the order does not change.
 *
 * ```ts
 * app.getHttpAdapter().getInstance().addHook('onRequest', requestTurns());
 * ```
 * @returns the hook, for one server
 */
export function requestTurns(): RequestTurns {
  let turn: Promise<void> | undefined;
  return (_request, _reply, done) => {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        resolve();
      });
    });
    // A promise, not a list of callbacks: each request continues in its own asynchronous context.
    void turn.then(done);
  };
}
