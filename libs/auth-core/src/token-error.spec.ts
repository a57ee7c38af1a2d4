import { readFileSync, writeFileSync } from 'node:fs';
import { TokenError } from './token-error.js';
import { tokenErrorReasons, type TokenErrorReason } from './token-error-reasons.js';

const page = new URL('../../../docs/token-errors.md', import.meta.url);

function rendered(): string {
  const reasons: [string, TokenErrorReason][] = Object.entries(tokenErrorReasons);
  const rows = reasons.map(
    ([code, { status, message, when }]) => `| \`${code}\` | ${String(status)} | ${message} | ${when} |`,
  );
  return [
    '# Why a request is refused',
    '',
    'The codes of `TokenError`, in the order in which they are checked. The code is for logs, metrics and tests; the message is all that the caller sees.',
    '`detail`, `expected` and `actual` say more, to logs only. A 401 and a 403 carry `WWW-Authenticate` (RFC 6750, RFC 9449), a 503 `Retry-After`.',
    '',
    '| code | status | the caller sees | when |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** Table cells without the spaces that a formatter puts in. */
const bare = (text: string): string => text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---');

describe('the page of error codes', () => {
  it('matches the code (UPDATE_DOCS=1 rewrites it)', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, rendered());
    expect(bare(readFileSync(page, 'utf8'))).toBe(bare(rendered()));
  });
});

describe('a refusal', () => {
  it('answers with a challenge, or with Retry-After when it is not the caller’s fault', () => {
    expect(new TokenError('TOKEN_MISSING').headers('orders')).toEqual({ 'www-authenticate': 'Bearer realm="orders"' });
    expect(new TokenError('KEYS_UNAVAILABLE').headers('orders')).toEqual({ 'retry-after': '2' });
    const narrow = new TokenError('SCOPE_MISSING', 'a', { expected: 'a b', actual: 'b' });
    expect(narrow.headers('orders')['www-authenticate']).toMatch(/error="insufficient_scope".*scope="a b"$/);
  });

  it('reveals nothing of the token in its message', () => {
    const error = new TokenError('ISSUER_MISMATCH', 'iss', {
      expected: 'https://issuer.test',
      actual: `evil\r\n${'x'.repeat(500)}`,
    });
    expect(error.message).not.toContain('evil');
    expect(error.actual).toMatch(/^evil\?\?x{194}$/);
    expect(new TokenError('CLAIM_INVALID', 'exp', { actual: { a: 1 } }).actual).toBeUndefined();
  });
});
