import { DrizzleQueryError } from 'drizzle-orm/errors';
import pg from 'pg';
import { errorForLog } from './logging.js';

describe('an error in the log', () => {
  it('names the statement that failed and why, and none of its values', () => {
    const cause = Object.assign(
      new pg.DatabaseError('duplicate key value violates unique constraint "note_pkey"', 1, 'error'),
      {
        code: '23505',
        constraint: 'note_pkey',
        detail: 'Key (email)=(ada@example.org) already exists.',
        where: 'unnamed portal parameter $1 = ada@example.org',
      },
    );
    const error = new DrizzleQueryError(
      'insert into note values ($1, $2)',
      ['ada@example.org', 'first\n    at second'],
      cause,
    );
    expect(error.message).toContain('ada@example.org');
    const line = JSON.stringify(errorForLog(error));
    expect(line).not.toMatch(/ada@example.org|second/);
    expect(line).toContain('insert into note values ($1, $2)');
    expect(errorForLog(error)).toMatchObject({ cause: { code: '23505', constraint: 'note_pkey' } });
    expect(line).toMatch(/logging.spec/);
  });

  it('says of several addresses why each failed', () => {
    const error = new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('other')], '');
    expect(errorForLog(error)).toMatchObject({
      errors: [{ message: 'connect ECONNREFUSED ::1:5432' }, { message: 'other' }],
    });
  });

  it('may have causes in a ring', () => {
    const error = new Error('one');
    error.cause = error;
    expect(JSON.stringify(errorForLog(error))).toContain('one');
  });
});
