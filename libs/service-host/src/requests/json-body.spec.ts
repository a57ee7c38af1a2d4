import fc from 'fast-check';
import { JSON_DEPTH_LIMIT, parseJsonBody } from './json-body.js';
import { Problem } from '../problems/problem.js';

function readingOf(body: string | Buffer): unknown {
  try {
    return parseJsonBody(Buffer.from(body));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 400) throw error;
    const [fault] = Array.isArray(error.extensions['errors']) ? error.extensions['errors'] : [];
    return fault === undefined ? error.code : `${error.code} ${String(Object(fault)['path'])}`;
  }
}

const plainKey = fc
  .string({ maxLength: 6, unit: 'grapheme' })
  .filter((name) => !/[\p{Cc}\p{Cs}]/u.test(name) && name !== '__proto__');
const { value: someJson } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    plainKey,
    fc.integer(),
    fc.constantFrom(null, true, false, 0.5, '\\"{}[]:,'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(plainKey, tie('value'), { maxKeys: 5 }),
  ),
}));

describe('a JSON body', () => {
  it('is read as JSON.parse reads it, however it is spaced', () => {
    fc.assert(
      fc.property(someJson, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const json = JSON.stringify(value, undefined, space);
        expect(readingOf(json)).toEqual(JSON.parse(json));
      }),
    );
  });

  it('is refused if any object in it has two members with the same name, however the name is written', () => {
    const wrap = fc.array(fc.constantFrom('{"x":@}', '[@]', '[1,@,2]', '{"a":{},"x":@,"b":[]}'), { maxLength: 8 });
    fc.assert(
      fc.property(plainKey, someJson, wrap, fc.boolean(), (name, other, wrappers, escaped) => {
        const code = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, '0');
        const again = escaped
          ? `"${[...name].flatMap((point) => [...Array(point.length).keys()].map((index) => `\\u${code(point[index] ?? '')}`)).join('')}"`
          : JSON.stringify(name);
        const inner = `{${JSON.stringify(name)}:1,"more than that":${JSON.stringify(other)} , ${again} : 2}`;
        const body = wrappers.reduce((json, wrapper) => wrapper.replace('@', () => json), inner);
        expect(readingOf(body)).toBe('MEMBER_REPEATED');
      }),
    );
  });

  it('that is empty counts as absent: the route says whether it needs one', () => {
    expect(parseJsonBody(Buffer.alloc(0))).toBeUndefined();
  });

  it.each([
    ['text that is not UTF-8', Buffer.from('{"name":"M\u00fcller"}', 'latin1'), 'BODY_NOT_UTF8'],
    ['half a surrogate pair in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'BODY_NOT_UTF8'],
    ['a blank', ' ', 'BODY_NOT_JSON'],
    ['no JSON', '{"a":1,}', 'BODY_NOT_JSON'],
    ['a byte order mark', '\ufeff{}', 'BODY_NOT_JSON'],
    ['U+0000', '{"a":{"b":["x","\\u0000"]}}', 'REQUEST_INVALID a.b.1'],
    ['half a surrogate pair', '{"a":"\\ud83d"}', 'REQUEST_INVALID a'],
    ['half a surrogate pair in a name', '{"\\ude00":1}', 'REQUEST_INVALID \\ude00'],
    ['an escape sequence', '{"a":"\\u001b[31mred"}', 'REQUEST_INVALID a'],
    ['an escape sequence of one byte', '{"a":"\u009b31mred"}', 'REQUEST_INVALID a'],
    ['a line break', '{"a":"one\\ntwo"}', 'REQUEST_INVALID a'],
    ['a delete character', '{"a":"\u007f"}', 'REQUEST_INVALID a'],
    ['a member called __proto__', '{"a":{"__proto__":{}}}', 'REQUEST_INVALID'],
    [
      'objects nested too deeply',
      `${'{"a":'.repeat(JSON_DEPTH_LIMIT + 1)}1${'}'.repeat(JSON_DEPTH_LIMIT + 1)}`,
      'BODY_TOO_DEEP',
    ],
    ['as many arrays as fit a body', `${'['.repeat(32_000)}${']'.repeat(32_000)}`, 'BODY_TOO_DEEP'],
  ])('of %s is refused', (_what, body, code) => {
    expect(readingOf(body)).toBe(code);
  });

  it.each([
    ['pairs of surrogates', '{"a":"\\ud83d\\ude00"}', { a: '😀' }],
    ['a backslash before u0000', '{"a":"\\\\u0000"}', { a: '\\u0000' }],
    ['the same name in two objects', '{"a":{"a":1},"b":{"a":1}}', { a: { a: 1 }, b: { a: 1 } }],
    ['a name as a value', '{"a":"a","b":["a","a"]}', { a: 'a', b: ['a', 'a'] }],
    ['what objects have of themselves', '{"constructor":"a","toString":1}', { constructor: 'a', toString: 1 }],
    ['depth at the limit', `${'['.repeat(JSON_DEPTH_LIMIT)}${']'.repeat(JSON_DEPTH_LIMIT)}`, undefined],
  ])('of %s is taken', (_what, body, value) => {
    expect(readingOf(body)).toEqual(value ?? JSON.parse(body));
  });
});
