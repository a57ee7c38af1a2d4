import { generateKeyPairSync } from 'node:crypto';
import { isObject } from '../json-object.js';
import { dpopJwkOf, thumbprintOf, type PrivateJwk } from '../keys/jwk.js';
import { signJwt } from '../jws/sign.js';
import { type HostileCase } from './hostile-case.js';
import { hostileSignature } from './hostile-signature.js';

export interface HostileContext {
  readonly issuer: string;
  readonly audience: string;
  /** The issuer's key: ES256, published. */
  readonly key: PrivateJwk;
  /** Seconds since 1970. */
  readonly now: number;
  /** An address that must receive no request. */
  readonly listener: string;
}

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

function strangerKey(): PrivateJwk {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const { kty = '', d = '' } = jwk;
  return { ...jwk, kty, d, alg: 'ES256', kid: thumbprintOf({ ...jwk }) };
}

const stranger = strangerKey();

/** The claims that a recipe changes. @param now seconds */
export function goodClaims({ issuer, audience, now }: HostileContext): Readonly<Record<string, unknown>> {
  return {
    iss: issuer,
    sub: 'ada',
    aud: audience,
    exp: now + 300,
    iat: now,
    jti: 'one',
    client_id: 'shop',
    scope: 'orders:read',
  };
}

function changed(good: Readonly<Record<string, unknown>>, changes: Readonly<Record<string, unknown>> = {}): object {
  const members = Object.entries({ ...good, ...changes });
  return Object.fromEntries(members.filter(([, value]) => value !== null));
}

/** `{ "now": -60 }` as seconds since 1970. */
function withTimes(value: unknown, now: number): unknown {
  if (!isObject(value) || typeof value['now'] !== 'number') return value;
  return (now + value['now']) * (typeof value['times'] === 'number' ? value['times'] : 1);
}

/** Creates the token of a case: for the issuer, audience and key that a verifier under test trusts. */
export function hostileToken(recipe: HostileCase, context: HostileContext): string {
  const { issuer, audience, key, now, listener } = context;
  const goodHeader = { alg: 'ES256', kid: key.kid, typ: 'at+jwt' };
  const good = signJwt(goodHeader, goodClaims(context), key);
  const words: Record<string, string> = { issuer, audience, kid: key.kid, listener, token: good };
  const filled = (text: string): string =>
    text
      .replace('"{strangerJwk}"', JSON.stringify(dpopJwkOf(stranger)))
      .replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
  const claims = Object.entries(recipe.claims ?? {}).map(([name, value]) => [name, withTimes(value, now)] as const);
  const written = JSON.stringify(changed(goodClaims(context), Object.fromEntries(claims)));
  const appended = `${written.slice(0, -1)}${recipe.claimsAppend ?? ''}}`;
  const payload =
    recipe.claimsHex === undefined ? filled(recipe.claimsText ?? appended) : Buffer.from(recipe.claimsHex, 'hex');
  words['header'] = encode(filled(recipe.headerText ?? JSON.stringify(changed(goodHeader, recipe.header))));
  words['payload'] = encode(payload);
  const input = `${words['header']}.${words['payload']}`;
  const signature = hostileSignature(recipe.signature ?? 'good', input, { key, stranger, good });
  words['signature'] = encode(signature);
  words['signatureBase64'] = words['signature'].replaceAll('-', '+').replaceAll('_', '/');
  words['signatureStray'] = words['signature'].replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1));
  words['token'] = recipe.claimsText === undefined ? `${input}.${words['signature']}` : good;
  const token = (recipe.text ?? '{header}.{payload}.{signature}').replace(
    /\{(\w+)\}/g,
    (whole, word: string) => words[word] ?? whole,
  );
  return recipe.fill === undefined ? token : token.padEnd(recipe.length ?? 0, recipe.fill);
}
