import { Logger } from '@nestjs/common';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import pg from 'pg';
import { pino } from 'pino';
import { errorForLog } from '../problems/error-for-log.js';
import { loggerOfNest } from '../problems/part-logger.js';
import { nestLogger } from './logging.js';

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
    const written: unknown[] = [];
    const nest = jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((...said: unknown[]) => void written.push(said));
    loggerOfNest('Problems').error({ err: error, request_id: 'r-1' }, 'request failed');
    nest.mockRestore();
    expect(JSON.stringify(written)).not.toMatch(/ada@example.org|second/);
    expect(JSON.stringify(written)).toMatch(/request failed.*r-1.*duplicate key.*insert into note.*logging.spec/);
  });

  it('says of several addresses why each failed', () => {
    const error = new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('other')], '');
    expect(errorForLog(error)).toMatchObject({
      errors: [{ message: 'connect ECONNREFUSED ::1:5432' }, { message: 'other' }],
    });
    const lines: string[] = [];
    const serializers = { err: (one: unknown) => errorForLog(one) };
    const logger = pino({ serializers }, { write: (line: string) => void lines.push(line) });
    nestLogger(logger).error(error, error.stack, 'Shutdown');
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { msg: expect.stringContaining('ECONNREFUSED ::1'), context: 'Shutdown', err: { errors: expect.any(Array) } },
    ]);
  });

  it('may have causes in a ring', () => {
    const error = new Error('one');
    error.cause = error;
    expect(JSON.stringify(errorForLog(error))).toContain('one');
  });
});
