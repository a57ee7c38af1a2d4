import { pathOfOddText } from '@countersign/service-host';
import { z } from 'zod';
import { type ProvidedPerson } from '../people/person.js';
import { type SignInProof } from '../sessions/sessions.service.js';
import { type Provider } from './provider.js';
import { ProviderProblem } from './provider-problem.js';
import { rolesOf } from './roles.js';

const NAME_LIMIT = 128;
/** Seconds by which a provider's clock may differ. */
const CLOCK_DIFFERENCE_SECONDS = 30;

/** What the database and the trail can store. */
const plain = (limit: number) =>
  z
    .string()
    .min(1)
    .max(limit)
    .refine((text) => pathOfOddText(text) === undefined, 'must be plain text');

const claimsSchema = z.looseObject({
  iss: z.string(),
  sub: plain(255),
  iat: z.number(),
  auth_time: z.number().optional(),
  acr: plain(256).optional(),
  amr: z.array(plain(64)).max(16).optional(),
  sid: plain(255).optional(),
});

/** What a provider has proven about somebody. */
export interface ProvidedSignIn {
  readonly person: ProvidedPerson;
  readonly proof: Omit<SignInProof, 'idToken'>;
}

/** What was requested of a sign-in. */
export interface SignInDemand {
  /** When the sign-in began. */
  readonly startedAt: Date;
  /** Whether the person had to authenticate again. */
  readonly forced: boolean;
}

const unseen = /[\p{Cs}\p{Cf}]/gu;

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value
    .replace(unseen, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, NAME_LIMIT)
    .trim();
  return text === '' ? undefined : text;
}

function emailOf({ email, email_verified: verified }: Readonly<Record<string, unknown>>): string | undefined {
  if (verified !== true || typeof email !== 'string' || email.length > 254) return undefined;
  return /^[^\s@\p{Cc}\p{Cf}]+@[^\s@\p{Cc}\p{Cf}]+$/u.test(email) ? email : undefined;
}

/** When the person signed in. @throws {ProviderProblem} if the provider must say it but does not, or if it is older than requested */
function authenticatedAt(authTime: number | undefined, provider: Provider, demand: SignInDemand, now: Date): Date {
  const refuse = (why: string): never => {
    throw new ProviderProblem('PROVIDER_ANSWER_INVALID', new Error(why));
  };
  if (authTime === undefined) return provider.auth_time === 'assumed' ? now : refuse('auth_time is missing');
  const seconds = now.getTime() / 1_000;
  const started = demand.startedAt.getTime() / 1_000;
  if (authTime > seconds + CLOCK_DIFFERENCE_SECONDS) return refuse('auth_time is in the future');
  const oldest = demand.forced ? started : started - provider.max_age;
  if (authTime < oldest - CLOCK_DIFFERENCE_SECONDS) return refuse('auth_time is older than max_age allows');
  const said = Math.min(authTime, seconds);
  // By a clock that is behind, it would be earlier than the request, which would then ask again.
  return new Date((demand.forced ? Math.max(said, started) : said) * 1_000);
}

/**
 * Reads a verified ID token's claims, with those of userinfo as a fallback.
 * @throws {ProviderProblem} `PROVIDER_ANSWER_INVALID` for claims that are missing, malformed or too old, or a different `acr` than required
 */
export function providedSignIn(
  idToken: Readonly<Record<string, unknown>>,
  userinfo: Readonly<Record<string, unknown>>,
  provider: Provider,
  demand: SignInDemand,
  now: Date,
): ProvidedSignIn {
  const parsed = claimsSchema.safeParse(idToken);
  if (!parsed.success) throw new ProviderProblem('PROVIDER_ANSWER_INVALID', parsed.error);
  const { iss: issuer, sub: subject, acr, amr = [], sid } = parsed.data;
  if (provider.require_acr && (acr === undefined || !provider.acr_values.includes(acr)))
    throw new ProviderProblem('PROVIDER_ANSWER_INVALID', new Error('acr is not one of acr_values'));
  const claims = { ...userinfo, ...idToken };
  const name = textOf(claims['name']) ?? textOf(claims['preferred_username']) ?? textOf(claims['email']) ?? 'Somebody';
  return {
    person: {
      issuer,
      subject,
      provider: provider.name,
      name,
      // Both from the same response, because one verified address says nothing about another.
      email: emailOf(idToken) ?? emailOf(userinfo),
      roles: rolesOf(claims, provider.roles),
    },
    proof: {
      issuer,
      providerSession: sid,
      authenticatedAt: authenticatedAt(parsed.data.auth_time, provider, demand, now),
      acr,
      amr,
    },
  };
}
