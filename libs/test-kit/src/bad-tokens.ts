import { createHmac, createPublicKey } from 'node:crypto';
import { generateSigningKey, publicJwkOf, type TokenErrorCode } from '@countersign/auth-core';
import { type TestIssuer } from './test-issuer.js';

/** A token that every guard must refuse, with the code of its refusal. */
export interface BadToken {
  readonly name: string;
  readonly token: string;
  readonly code: TokenErrorCode;
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function withoutSignature(token: string): {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
} {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return { header, payload, signature };
}

function hmacWithPublicKey(issuer: TestIssuer, payload: string): string {
  const pem = createPublicKey({ key: { ...issuer.key }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const input = `${encode({ alg: 'HS256', kid: issuer.key.kid, typ: 'at+jwt' })}.${payload}`;
  return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
}

/** Every kind of token that a service must refuse, by name, with the code of the refusal. */
export async function badTokens(issuer: TestIssuer): Promise<readonly BadToken[]> {
  const good = await issuer.mint();
  const { header, payload, signature } = withoutSignature(good);
  const stranger = { ...(await generateSigningKey()) };
  const tampered = encode({ ...Object(JSON.parse(Buffer.from(payload, 'base64url').toString())), sub: 'someone-else' });
  const bare = (alg: string): string => `${encode({ alg, kid: issuer.key.kid, typ: 'at+jwt' })}.${payload}.`;
  const signed = (
    name: string,
    code: TokenErrorCode,
    requested: Parameters<TestIssuer['mint']>[0],
  ): Promise<BadToken> => issuer.mint(requested).then((token) => ({ name, token, code }));
  const raw = Buffer.from(signature, 'base64url');
  const der = Buffer.concat([
    Buffer.of(0x30, 68, 0x02, 32),
    raw.subarray(0, 32),
    Buffer.of(0x02, 32),
    raw.subarray(32),
  ]);
  return [
    { name: 'an empty text', token: '', code: 'TOKEN_MALFORMED' },
    { name: 'two segments', token: `${header}.${payload}`, code: 'TOKEN_MALFORMED' },
    { name: 'four segments', token: `${good}.x`, code: 'TOKEN_MALFORMED' },
    { name: 'ten thousand dots', token: '.'.repeat(10_000), code: 'TOKEN_TOO_LARGE' },
    { name: 'more than 8 KiB', token: `${good}${'A'.repeat(8_192)}`, code: 'TOKEN_TOO_LARGE' },
    { name: 'padded base64url', token: `${header}=.${payload}.${signature}`, code: 'TOKEN_MALFORMED' },
    { name: 'a header that is an array', token: `${encode([])}.${payload}.${signature}`, code: 'TOKEN_MALFORMED' },
    {
      name: 'a repeated header name',
      token: `${encode('{"alg":"none","alg":"ES256"}')}.${payload}.${signature}`,
      code: 'TOKEN_MALFORMED',
    },
    { name: 'alg none', token: bare('none'), code: 'ALG_NOT_ALLOWED' },
    { name: 'alg nOnE', token: bare('nOnE'), code: 'ALG_NOT_ALLOWED' },
    { name: 'HMAC with the public key', token: hmacWithPublicKey(issuer, payload), code: 'ALG_NOT_ALLOWED' },
    { name: 'another alg than the key is for', token: bare('RS256'), code: 'KEY_MISMATCH' },
    { name: 'no signature', token: bare('ES256'), code: 'SIGNATURE_INVALID' },
    {
      name: 'a zero signature',
      token: `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      code: 'SIGNATURE_INVALID',
    },
    { name: 'a DER signature', token: `${header}.${payload}.${der.toString('base64url')}`, code: 'SIGNATURE_INVALID' },
    { name: 'a changed payload', token: `${header}.${tampered}.${signature}`, code: 'SIGNATURE_INVALID' },
    await signed('a forged signature', 'SIGNATURE_INVALID', { key: stranger, header: { kid: issuer.key.kid } }),
    await signed('an unknown key', 'KEY_UNKNOWN', { key: stranger }),
    await signed('a key that it brings itself', 'KEY_UNKNOWN', {
      key: stranger,
      header: { jwk: publicJwkOf(stranger) },
    }),
    await signed('a key that it points to', 'KEY_UNKNOWN', {
      key: stranger,
      header: { jku: 'http://127.0.0.1:9/jwks.json' },
    }),
    await signed('a path as kid', 'KEY_UNKNOWN', { header: { kid: '../../etc/passwd' } }),
    await signed('an ID token or assertion in its place', 'TYP_NOT_ALLOWED', { header: { typ: 'JWT' } }),
    await signed('another issuer', 'ISSUER_MISMATCH', { claims: { iss: 'https://other.test' } }),
    await signed("another service's audience", 'AUDIENCE_MISMATCH', { audience: 'another-service' }),
    await signed('a list of audiences', 'CLAIM_INVALID', { claims: { aud: ['orders', 'another-service'] } }),
    await signed('an expired token', 'TOKEN_EXPIRED', { lifetime: -60 }),
    await signed('a token of tomorrow', 'TOKEN_NOT_YET_VALID', { claims: { nbf: 4_000_000_000, exp: 4_000_000_300 } }),
    await signed('exp as a fraction', 'CLAIM_INVALID', { claims: { exp: 4_000_000_000.5 } }),
    await signed('exp as text', 'CLAIM_INVALID', { claims: { exp: '4000000000' } }),
    await signed('exp without end', 'CLAIM_INVALID', { claims: { exp: 1e300 } }),
    await signed('no exp', 'CLAIM_MISSING', { claims: { exp: undefined } }),
    await signed('no jti', 'CLAIM_MISSING', { claims: { jti: undefined } }),
    await signed('no client_id', 'CLAIM_MISSING', { claims: { client_id: undefined } }),
    await signed('a number as sub', 'CLAIM_INVALID', { claims: { sub: 42 } }),
    await signed('a list as scope', 'CLAIM_INVALID', { claims: { scope: ['orders:read'] } }),
    await signed('an act that is text', 'CLAIM_INVALID', { claims: { act: 'payments' } }),
  ];
}
