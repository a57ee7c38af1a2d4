import { Problem } from '@countersign/service-host';
import { type FastifyRequest } from 'fastify';

/**
 * Whether a browser asks on behalf of another site otherwise than by going there itself (Fetch Metadata): in a frame, as an image, by a script.
 * Those would only measure whether, and how fast, somebody who is signed in is sent on. It is looked at before any session.
 * @returns what to answer, nothing for a person's own navigation
 */
export function topLevelFault({ headers, method }: Pick<FastifyRequest, 'headers' | 'method'>): Problem | undefined {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  const navigates = mode === 'navigate' && destination === 'document';
  if (method === 'GET' && (!foreign || navigates)) return undefined;
  return new Problem(400, 'NOT_A_NAVIGATION', 'Open this address in a window of its own, not inside another page.');
}
