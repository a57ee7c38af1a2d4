import fastify, { type FastifyInstance } from 'fastify';
import { ResponseBodyError } from 'openid-client';
import { z } from 'zod';
import { Bank, BankRefusal } from './bank.js';
import { type Settings } from './configuration.js';
import { Cookies } from './cookies.js';
import { Issuer } from './issuer.js';
import * as pages from './pages.js';
import { NotAllowed, PersonsTokens } from './persons-tokens.js';
import { shopRoutes } from './shop.routes.js';
import { signInRoutes } from './sign-in.routes.js';
import { show, Visits } from './visit.js';

/** Sent with every answer. */
const headers = {
  'content-security-policy': pages.contentSecurityPolicy,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
const clientFault = z.object({ statusCode: z.int().min(400).max(499) });

/** For the log: what failed, and the error of the other side or the system; never a token. */
function wordsFor(error: unknown): string {
  if (error instanceof ResponseBodyError) return `the issuer answered ${error.error}: ${error.error_description ?? ''}`;
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof Error ? `${String(error)} (${cause.message})` : String(error);
}

/** The application: pages, sign-in, and its calls on behalf of people. @param now milliseconds since 1970 */
export function createApp(settings: Settings, now: () => number = Date.now): FastifyInstance {
  const app = fastify({ bodyLimit: 16_384, requestTimeout: 30_000 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, new URLSearchParams(String(body)));
  });
  app.addHook('onSend', async (_request, reply) => void reply.headers(headers));

  const cookies = new Cookies(settings.app.protocol === 'https:');
  const issuer = new Issuer(settings, now);
  const bank = new Bank(settings, issuer, new PersonsTokens(issuer, now));
  const visits = new Visits(cookies, now);
  app.get('/health/:kind', (_request, reply) => reply.send({ status: 'ok' }));
  signInRoutes(app, { issuer, visits, cookies, clientId: settings.clientId, now });
  shopRoutes(app, { bank, visits });

  app.setNotFoundHandler((_request, reply) => show(reply, pages.errorPage('There is no such page.'), 404));
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof NotAllowed) return reply.redirect('/', 303);
    if (error instanceof BankRefusal) return show(reply, pages.errorPage(`The bank refused: ${error.message}`), 502);
    const fault = clientFault.safeParse(error);
    if (fault.success) return show(reply, pages.errorPage('That request cannot be read.'), fault.data.statusCode);
    console.error(`${request.method} ${request.routeOptions.url ?? ''}: ${wordsFor(error)}`);
    return show(reply, pages.errorPage('The bank cannot be reached, or its answer is not genuine. Try again.'), 502);
  });
  return app;
}
