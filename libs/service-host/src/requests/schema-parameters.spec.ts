import { z } from 'zod';
import { Problem } from '../problems/problem.js';
import { SchemaPipe } from './schema-parameters.js';

const pipe = new SchemaPipe(z.strictObject({ reference: z.string() }));
const codeOf = (value: unknown): string => {
  try {
    pipe.transform(value);
    return 'ACCEPTED';
  } catch (error) {
    return error instanceof Problem ? `${String(error.status)} ${error.code}` : String(error);
  }
};

describe('what a request brings', () => {
  it('is refused when it does not fit the schema', () => {
    expect([codeOf({}), codeOf({ reference: 'a', more: 1 }), codeOf([])]).toEqual(Array(3).fill('400 REQUEST_INVALID'));
  });

  it('is refused when no database could keep its text, before anything is started', () => {
    expect([codeOf({ reference: 'a\u0000' }), codeOf({ reference: '\ud83d' })]).toEqual(
      Array(2).fill('400 REQUEST_INVALID'),
    );
    expect([codeOf({ reference: 'a\\u0000' }), codeOf({ reference: '😀' })]).toEqual(['ACCEPTED', 'ACCEPTED']);
  });
});
