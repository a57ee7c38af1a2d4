import fc from 'fast-check';
import { parseForm } from './form-body.js';
import { Problem } from '../problems/problem.js';

function outcomeOf(body: string): unknown {
  let outcome: unknown;
  parseForm(body, (error, value) => {
    outcome = error instanceof Problem ? error.code : (error ?? { ...Object(value) });
  });
  return outcome;
}

describe('a form', () => {
  it('is read as URLSearchParams reads it, as long as no name is repeated', () => {
    const piece = fc.oneof(
      fc.constantFrom('a', 'b', '&', '=', '+', '%20', '%26', '%C3%A9', '__proto__', 'constructor', 'é'),
      fc.string({ maxLength: 4 }).map(encodeURIComponent),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const entries = [...new URLSearchParams(pieces.join(''))];
        fc.pre(new Set(entries.map(([name]) => name)).size === entries.length);
        const outcome = outcomeOf(pieces.join(''));
        expect(Object.entries(Object(outcome)).sort()).toEqual(entries.sort());
      }),
    );
  });

  it.each([
    ['a name given twice', 'a=1&a=1', 'PARAMETER_REPEATED'],
    ['a name given twice, once encoded', 'a=1&%61=2', 'PARAMETER_REPEATED'],
    ['a name given twice that objects have of themselves', '__proto__=1&__proto__=2', 'PARAMETER_REPEATED'],
    ['a percent sign without digits', 'a=%zz', 'FORM_MALFORMED'],
    ['bytes that are no UTF-8', 'a=%FF', 'FORM_MALFORMED'],
  ])('with %s is refused', (_, body, code) => {
    expect(outcomeOf(body)).toBe(code);
  });
});
