import { CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { clientCredentialsOf } from './client-credentials.js';
import { parseForm } from './oauth-form.js';

const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const signed = { client_assertion: 'header.claims.signature', client_assertion_type: CLIENT_ASSERTION_TYPE };

function readingOf(form: Readonly<Record<string, string>>, authorization?: string): unknown {
  const credentials = clientCredentialsOf(parseForm(form), authorization);
  return credentials.method === 'none' ? [credentials.reason, credentials.answer?.error] : credentials.method;
}

describe('client credentials', () => {
  it.each([
    ['client_secret beside Basic', { client_secret: '' }, basic('shop', 's'), 'client_secret_basic'],
    ['client_assertion beside Basic', { client_assertion: '' }, basic('shop', 's'), 'client_secret_basic'],
    ['client_id beside Basic', { client_id: '' }, basic('shop', 's'), 'client_secret_basic'],
    ['client_id beside an assertion', { ...signed, client_id: '' }, undefined, 'private_key_jwt'],
    ['the Authorization header beside an assertion', signed, '', 'private_key_jwt'],
    ['everything', { client_assertion: '', client_secret: '' }, ' ', ['CREDENTIALS_MISSING', undefined]],
  ] as const)('without a value count as omitted: %s', (_what, form, authorization, reading) => {
    expect(readingOf(form, authorization)).toEqual(reading);
  });

  it.each([
    ['Basic for one client and client_id for another', { client_id: 'B' }, basic('A', 's'), 'CREDENTIALS_CONTRADICT'],
    ['Basic and an assertion', signed, basic('A', 's'), 'CREDENTIALS_SEVERAL'],
    ['Basic and a secret in the form', { client_secret: 's' }, basic('A', 's'), 'CREDENTIALS_SEVERAL'],
    ['an assertion without its type', { client_assertion: 'x' }, undefined, 'CREDENTIALS_TYPE_UNKNOWN'],
  ] as const)('that contradict each other are invalid_request: %s', (_what, form, authorization, reason) => {
    expect(readingOf(form, authorization)).toEqual([reason, 'invalid_request']);
  });

  it('may name the client twice, if it is the same', () => {
    expect(readingOf({ client_id: 'A:1' }, basic('A%3A1', 's'))).toBe('client_secret_basic');
  });
});
