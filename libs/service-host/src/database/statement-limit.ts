import type pg from 'pg';
import { type Logger } from 'pino';

/** PostgreSQL's default limit for one statement, in milliseconds. */
export const STATEMENT_LIMIT_MS = 10_000;
/** Milliseconds after which the end of an overlong statement must have arrived. */
const GRACE_MS = 5_000;

/** Limits that transactions have set instead, until their connection returns to its pool. */
const limits = new WeakMap<pg.ClientBase, number>();

/**
 * Sets another limit for the statements of the open transaction than a service's ten seconds.
 * @param ms milliseconds; 0: no limit. If the database then stops responding, TCP keep-alive ends the connection 40 seconds later
 * @param scope `session` if somebody else starts the transactions: for a connection that is then discarded, or call `reset statement_timeout`
 */
export async function limitStatements(
  client: pg.ClientBase,
  ms: number,
  scope: 'local' | 'session' = 'local',
): Promise<void> {
  limits.set(client, ms);
  await client.query(`set ${scope} statement_timeout = ${String(ms)}`);
}

/** A database that neither responds nor ends the statement at its limit: it is gone, or the network is down. */
class DatabaseSilent extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(ms: number) {
    super(`the database did not answer within ${String(ms)} ms`);
    this.name = 'DatabaseSilent';
  }
}

/** Calls `done` once a query's result, by promise or callback, has arrived. */
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
 * Ends the connections of a pool whose database stops responding. PostgreSQL itself ends a statement that takes too long, but a host that is gone,
 * or a firewall that has dropped the connection, sends nothing at all, and the system's TCP takes a quarter of an hour to give up. The
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
        logger.warn({ err: silent }, 'a database connection was closed because it did not respond');
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
