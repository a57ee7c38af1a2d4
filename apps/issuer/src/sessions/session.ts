import { createHash, randomBytes } from 'node:crypto';
import { idSchema } from '@countersign/service-host';
import { type z } from 'zod';
import { type Person } from '../people/person.js';

/** Names a session in events, tokens and pages. It is not the secret in the cookie. */
export const sessionIdSchema = idSchema.brand<'SessionId'>();
export type SessionId = z.infer<typeof sessionIdSchema>;

/** A person who is signed in, in one browser. */
export interface Session {
  readonly id: SessionId;
  readonly person: Person;
  /** When the person last proved to the provider who they are. */
  readonly authenticatedAt: Date;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
}

/** How long sessions last. */
export interface SessionTimes {
  /** Seconds without a request after which a session ends. */
  readonly idle: number;
  /** Seconds after which a session ends, no matter how much it is used. */
  readonly life: number;
}
export const SESSION_TIMES = Symbol('countersign.issuer.session-times');

/** What ended a session, as named in the trail and the row. */
export type SessionEnd = 'sign-out' | 'person' | 'admin' | 'disabled' | 'provider' | 'another-person';

const SECRET_BYTES = 32;
const secretPattern = /^[\w-]{43}$/;

/** The cookie's value: 256 random bits. */
export function newSecret(random: (size: number) => Buffer = randomBytes): string {
  return random(SECRET_BYTES).toString('base64url');
}

/** Whether text can be a cookie's value at all. */
export function isSecret(text: string | undefined): text is string {
  return text !== undefined && secretPattern.test(text);
}

/** The stored form of a cookie's value: a random secret of 256 bits needs no slow hash (docs/adr/0008). */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** How a person recognises a device, from its `User-Agent`: only the kinds of browser and system, so that no third-party text is stored. */
export function deviceOf(userAgent: string | undefined): string {
  const found = (kinds: readonly (readonly [RegExp, string])[]): string | undefined =>
    kinds.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  const [browser, system] = [found(browsers), found(systems)];
  if (browser === undefined) return system ?? 'Another device';
  return system === undefined ? browser : `${browser} on ${system}`;
}
