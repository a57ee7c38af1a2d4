import { z } from 'zod';
import { audienceSchema, POLICY_LIMIT, scopeSchema, SCOPES_LIMIT } from './names.js';
import { identityScopes, type PeoplePolicy } from './people-policy.js';

const title = z.string().min(1).max(100);
const description = z.string().min(1).max(400).optional();

const wordsSchema = z.strictObject({
  /** What people call the service. */
  title,
  description,
  /** For each scope, what it lets an application do: "Pay from your account". */
  scopes: z
    .record(scopeSchema, z.strictObject({ title, description }))
    .refine((scopes) => Object.keys(scopes).length <= SCOPES_LIMIT, `must name at most ${String(SCOPES_LIMIT)} scopes`),
});
/** What a person reads of a service and its scopes when an application asks for them. */
export type AudienceWords = z.infer<typeof wordsSchema>;

/** Per audience. */
export const audiencesSchema = z
  .record(audienceSchema, wordsSchema)
  .refine(
    (audiences) => Object.keys(audiences).length <= POLICY_LIMIT,
    `must name at most ${String(POLICY_LIMIT)} audiences`,
  );
export type Audiences = z.infer<typeof audiencesSchema>;

/** The texts for identity scopes; a file need not declare them. */
export const identityWords: ReadonlyMap<string, { readonly title: string; readonly description?: string }> = new Map([
  ['openid', { title: 'Recognize you', description: 'The same identifier for you each time, and when you signed in.' }],
  ['profile', { title: 'See your name' }],
  ['email', { title: 'See your email address' }],
  [
    'offline_access',
    { title: 'Stay connected while you are away', description: 'Until you end it on your account page.' },
  ],
]);

/** Scopes that a policy lets an application request from people but that have no texts, as `audience scope`. */
export function unspoken(policy: PeoplePolicy | undefined, audiences: Audiences): readonly string[] {
  return Object.entries(policy ?? {}).flatMap(([audience, scopes]) => {
    const words = Object.hasOwn(audiences, audience) ? audiences[audience] : undefined;
    return scopes
      .map((one) => (typeof one === 'string' ? one : one.scope))
      .filter((scope) => !identityScopes.has(scope) && (words === undefined || !Object.hasOwn(words.scopes, scope)))
      .map((scope) => `${audience} ${scope}`);
  });
}
