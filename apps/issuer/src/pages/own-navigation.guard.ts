import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Problem, Refusals, traceOf } from '@countersign/service-host';
import { type FastifyRequest } from 'fastify';

/**
 * Whether another site makes the browser load a page other than by navigating to it (Fetch Metadata): in a frame, as an image, by a
 * script. Such requests could only measure whether, and how fast, a signed-in person gets a response or a redirect.
 */
export function isMeasured({ headers, method }: Pick<FastifyRequest, 'headers' | 'method'>): boolean {
  if (method !== 'GET') return method === 'HEAD';
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  return foreign && !(mode === 'navigate' && destination === 'document');
}

const NOT_A_NAVIGATION = 'NOT_A_NAVIGATION';

/** For pages and their redirects: answers only top-level navigation, before any session is read. Forms have their own token. */
@Injectable()
export class OwnNavigation implements CanActivate {
  constructor(@Inject(Refusals) private readonly refusals: Refusals) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!isMeasured(request)) return true;
    await this.refusals.recordOf(NOT_A_NAVIGATION, traceOf(request));
    throw new Problem(400, NOT_A_NAVIGATION, 'Open this address in its own window, not inside another page.');
  }
}
