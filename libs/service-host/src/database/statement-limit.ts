import type pg from 'pg';
import { type Logger } from 'pino';

/** Milliseconds that PostgreSQL lets one statement take, where nothing else is said. */
export const STATEMENT_LIMIT_MS = 10_000;
/** Milliseconds after which the end of an overlong statement must have arrived. */
const GRACE_MS = 5_000;

/** What transactions have asked for instead, until their connection goes back to its pool. */
const limits = new WeakMap<pg.ClientBase, number>();

/**
 * Lets the statements of the open transaction take another time than the ten seconds that a service's statements have.
 * @param ms milliseconds; 0: as long as they take. If the database falls silent then, TCP's keep-alive ends the connection, 40 seconds later
 * @param scope `session` where the transactions are begun by somebody else: for a connection that is then discarded, or `reset statement_timeout`
 */
export async function limitStatements(
  client: pg.ClientBase,
  ms: number,
  scope: 'local' | 'session' = 'local',
): Promise<void> {
  limits.set(client, ms);
  await client.query(`set ${scope} statement_timeout = ${String(ms)}`);
}

/** A database that neither answers nor ends the statement when its time is over: it is no longer there, or the way to it is cut. */
class DatabaseSilent extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(ms: number) {
    super(`the database did not answer within ${String(ms)} ms`);
    this.name = 'DatabaseSilent';
  }
}

/** Calls `done` once what a query returns, by promise or by callback, has come. */
function afterAnswer(
  query: (args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  done: () => void,
): unknown {
  const callback = args.at(-1);
  if (typeof callback === 'function')
    return query([
      ...args.slice(0, -1),
      (...answer: readonly unknown[]): unknown => {
        done();
        return Reflect.apply(callback, undefined, answer);
      },
    ]);
  const answer = query(args);
  if (answer instanceof Promise) answer.then(done, done);
  else done();
  return answer;
}

/**
 * Ends the connections of a pool whose database falls silent. PostgreSQL itself ends a statement that takes too long, but a host that is gone,
 * or a firewall that has forgotten the connection, says nothing at all, and the system's TCP takes a quarter of an hour to give up. The
 * driver's own `query_timeout` leaves such a connection open, so that the `rollback` after it waits again.
 * @param statementMs the pool's `statement_timeout`
 */
export function endSilentConnections(pool: pg.Pool, statementMs: number, logger: Logger): void {
  pool.on('connect', (client) => {
    const original: unknown = Reflect.get(client, 'query');
    if (typeof original !== 'function') return;
    const query = (args: readonly unknown[]): unknown => Reflect.apply(original, client, args);
    const watched = (...args: readonly unknown[]): unknown => {
      const limit = limits.get(client) ?? statementMs;
      if (limit === 0) return query(args);
      const timer = setTimeout(() => {
        const silent = new DatabaseSilent(limit + GRACE_MS);
        logger.warn({ err: silent }, 'a database connection is ended, since nothing comes of it');
        client.connection.stream.destroy(silent);
      }, limit + GRACE_MS);
      return afterAnswer(query, args, () => {
        clearTimeout(timer);
      });
    };
    Object.defineProperty(client, 'query', { value: watched, configurable: true, writable: true });
  });
  pool.on('release', (_error, client) => {
    limits.delete(client);
  });
}
