import { AuditEventError } from '@countersign/audit-event';
import { databaseFaultOf, databaseReasonOf } from './database-fault.js';
import { problemOf } from './problem.js';

const failure = (message: string, code?: string): Error => Object.assign(new Error(message), code && { code });

const ring = failure('one');
ring.cause = ring;

describe('a failure of the database', () => {
  it.each([
    ['a refused connection', failure('connect', 'ECONNREFUSED'), 'away'],
    ['a host that cannot be reached', failure('connect EHOSTUNREACH 10.0.0.7:5432', 'EHOSTUNREACH'), 'away'],
    ['a network that cannot be reached, of several addresses', failure('', 'ENETUNREACH'), 'away'],
    ['a socket that is not there yet', failure('connect ENOENT /run/.s.PGSQL.5432', 'ENOENT'), 'away'],
    ['a connection that ended', failure('Connection terminated unexpectedly'), 'away'],
    ['a pool without a free connection', failure('timeout exceeded when trying to connect'), 'away'],
    [
      'a server that shuts down, inside the error of a query',
      new Error('failed query', { cause: failure('', '57P01') }),
      'away',
    ],
    [
      'a standby that took its place, or a server that became one',
      new Error('failed query', { cause: failure('cannot execute UPDATE in a read-only transaction', '25006') }),
      'away',
    ],
    ['a deadlock, which PostgreSQL has ended', failure('deadlock detected', '40P01'), 'away'],
    ['too many events that wait for it', new AuditEventError('OUTBOX_FULL', 'full'), 'away'],
    ['a statement that took too long', new Error('failed query', { cause: failure('canceling', '57014') }), 'timeout'],
    ['a wrong password', failure('password authentication failed for user "orders"', '28P01'), 'refused'],
    ['no right to connect', failure('permission denied for database "orders"', '42501'), 'refused'],
    ['a wrong statement', failure('syntax error', '42601'), undefined],
    ['an event that is wrong', new AuditEventError('EVENT_INVALID', 'no'), undefined],
    ['a file that is not there', failure("ENOENT: no such file or directory, open 'x'", 'ENOENT'), undefined],
    ['causes in a ring', ring, undefined],
    ['what is no error', 'ECONNREFUSED', undefined],
  ])('is distinguished from any other: %s', (_, error, fault) => {
    expect(databaseFaultOf(error)).toBe(fault);
  });

  it('has a reason in words, also where the name has several addresses', () => {
    const refused = [failure('connect ECONNREFUSED ::1:5432'), failure('connect ECONNREFUSED 127.0.0.1:5432')];
    const several = Object.assign(new AggregateError(refused, ''), { code: 'ECONNREFUSED' });
    expect(databaseReasonOf(new Error('failed query', { cause: several }))).toEqual({
      reason: 'ECONNREFUSED: connect ECONNREFUSED ::1:5432',
      code: 'ECONNREFUSED',
    });
    expect(databaseReasonOf(ring).reason).toMatch(/^one/);
  });

  it('is answered 503 with Retry-After, and reveals nothing of the database', () => {
    const problem = problemOf(failure('connect ECONNREFUSED 10.0.0.7:5432', 'ECONNREFUSED'));
    expect(problem).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE', retry_after: 1 });
    expect(JSON.stringify(problem)).not.toContain('10.0.0.7');
    expect(problemOf(failure('canceling', '57014'))).toMatchObject({ status: 503, code: 'DATABASE_TIMEOUT' });
    expect(problemOf(failure('syntax error', '42601'))).toMatchObject({ status: 500, code: 'INTERNAL' });
  });
});
