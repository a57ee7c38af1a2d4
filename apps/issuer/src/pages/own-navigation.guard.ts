import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Problem } from '@countersign/service-host';
import { type FastifyRequest } from 'fastify';

/**
 * Whether a browser reads a page on behalf of another site otherwise than by going there itself (Fetch Metadata): in a frame, as an image, by a
 * script. Those would only measure whether, and how fast, somebody who is signed in is answered or sent on.
 */
export function isMeasured({ headers, method }: Pick<FastifyRequest, 'headers' | 'method'>): boolean {
  if (method !== 'GET') return method === 'HEAD';
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  return foreign && !(mode === 'navigate' && destination === 'document');
}

/** For pages, and what leads on from them: answers only a person's own navigation, before any session is read. Forms have their own token. */
@Injectable()
export class OwnNavigation implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (!isMeasured(context.switchToHttp().getRequest<FastifyRequest>())) return true;
    throw new Problem(400, 'NOT_A_NAVIGATION', 'Open this address in its own window, not inside another page.');
  }
}
