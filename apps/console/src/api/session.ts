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
  // Another tab may have signed out in the meantime, or signed somebody else in.
  refetchOnWindowFocus: 'always',
});

const signedOutSchema = z.object({
  /** The URL to which the browser goes next, to sign out at the issuer. */
  next: z.string(),
});

/**
 * Ends the session here.
 * @returns the URL to which the browser goes next: to sign out at the issuer, or to sign in if the session had already ended
 * @throws {ApiProblem} if the session may not have ended
 */
export async function signOut(): Promise<string> {
  const answer = await ask(signedOutSchema, '/console/sign-out', { method: 'POST' });
  if (!answer.ok && answer.problem.status === 401) return signInPath('/');
  return valueOf(answer).next;
}

/** The URL at which a person signs in, and from which they return to where they were. */
export function signInPath(returnTo: string): string {
  return `/console/sign-in?${new URLSearchParams({ return_to: returnTo }).toString()}`;
}
