import { queryOptions } from '@tanstack/react-query';
import * as z from 'zod/mini';
import { ask, valueOf } from './client.js';

const sessionSchema = z.object({
  person: z.object({ id: z.string(), name: z.string(), roles: z.array(z.string()) }),
  /** What the person may do at audit. */
  scopes: z.array(z.string()),
  signedInAt: z.string(),
  endsAt: z.string(),
});
export type Session = z.infer<typeof sessionSchema>;

const answerSchema = z.union([sessionSchema, z.object({ person: z.null() })]);

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    const answer = valueOf(await ask(answerSchema, '/console/session', { signal }));
    return answer.person === null ? null : answer;
  },
  staleTime: 60_000,
  // Another tab may have signed out meanwhile, or signed somebody else in.
  refetchOnWindowFocus: 'always',
});

const signedOutSchema = z.object({
  /** Where the browser goes next, to sign out at the issuer. */
  next: z.string(),
});

/**
 * Ends the session here.
 * @returns where the browser goes next: to sign out at the issuer; to sign in where the session was over already
 * @throws {ApiProblem} where the session may not have ended
 */
export async function signOut(): Promise<string> {
  const answer = await ask(signedOutSchema, '/console/sign-out', { method: 'POST' });
  if (!answer.ok && answer.problem.status === 401) return signInPath('/');
  return valueOf(answer).next;
}

/** The address at which a person signs in, and then comes back to where they were. */
export function signInPath(returnTo: string): string {
  return `/console/sign-in?${new URLSearchParams({ return_to: returnTo }).toString()}`;
}
