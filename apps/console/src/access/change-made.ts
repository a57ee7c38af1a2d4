import { type QueryClient } from '@tanstack/react-query';
import type * as z from 'zod/mini';
import { ApiProblem } from '../api/problem.js';
import { type changedSchema } from './issuer-answers.js';

type Changed = z.infer<typeof changedSchema>;

/** A secret that is shown only once. */
export const secretOf = (changed: Changed | undefined): string | undefined =>
  changed?.client_secret ?? changed?.api_key;

/** Refreshes the lists after a change, and then closes. A secret waits for no list: it is shown immediately and stays visible. */
export async function afterChange(
  queries: Pick<QueryClient, 'invalidateQueries'>,
  changed: Changed,
  close: () => void,
): Promise<void> {
  const listed = queries.invalidateQueries({ queryKey: ['issuer'] });
  if (secretOf(changed) !== undefined) return;
  await listed;
  close();
}

/** Whether a change was refused, and so not made. An unanswered one may have been. */
export const isRefused = (error: unknown): boolean =>
  error instanceof ApiProblem && error.status >= 400 && error.status < 500;
