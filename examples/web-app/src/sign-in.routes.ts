import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AuthorizationResponseError } from 'openid-client';
import { BackChannel } from './back-channel.js';
import { type Cookies } from './cookies.js';
import { type Flow, type Granted, type Issuer } from './issuer.js';
import { Kept } from './kept.js';
import * as pages from './pages.js';
import { newSession, services, type Service, type Session, type StepUp } from './session.js';
import { isForm, show, type Visits } from './visit.js';

/** Binds a request to the browser that made it, so that somebody else's link cannot sign anyone in. */
const BROWSER = 'corner-shop-browser';
const FLOW_SECONDS = 600;

interface PendingFlow extends Flow {
  readonly browser: string;
  /** The session that requests more rights; undefined for a sign-in. */
  readonly session: string | undefined;
}

export interface SignInParts {
  readonly issuer: Issuer;
  readonly visits: Visits;
  readonly cookies: Cookies;
  readonly clientId: string;
  readonly now: () => number;
}

function sessionFrom({ claims, allowed }: Granted, service: Service, earlier: Session | undefined): Session {
  const text = (claim: unknown): string | undefined => (typeof claim === 'string' ? claim : undefined);
  const who = { subject: claims.sub, name: text(claims['name']) ?? claims.sub, sid: text(claims['sid']) };
  const session = newSession(who, earlier);
  session.allowed.set(service, allowed);
  return session;
}

/** Sign-in, requests for more rights, the response, and sign-out by either side. */
export function signInRoutes(app: FastifyInstance, parts: SignInParts): void {
  const { issuer, visits, cookies, clientId, now } = parts;
  const flows = new Kept<PendingFlow>({ lifeMs: FLOW_SECONDS * 1_000, limit: 10_000, now });
  const seen = new Kept<true>({ lifeMs: 300_000, limit: 10_000, now });
  const backChannel = new BackChannel(issuer, clientId, visits.sessions, seen);

  async function begin(request: FastifyRequest, reply: FastifyReply, service: Service, stepUp?: StepUp) {
    const browser = cookies.read(request.headers.cookie, BROWSER) ?? flows.newName();
    const state = flows.newName();
    const { url, flow } = await issuer.begin(service, state, stepUp);
    flows.put(state, { ...flow, browser, session: visits.name(request) });
    const options = { sameSite: 'Lax', maxAgeSeconds: FLOW_SECONDS } as const;
    return reply.header('set-cookie', cookies.set(BROWSER, browser, options)).redirect(url.href, 302);
  }

  app.get('/sign-in', (request, reply) => begin(request, reply, 'payments'));
  app.get<{ Params: { service: string } }>('/connect/:service', (request, reply) => {
    const service = services.find((one) => one === request.params.service);
    return service === undefined ? reply.callNotFound() : begin(request, reply, service);
  });
  app.get('/confirm', (request, reply) => {
    const stepUp = visits.session(request)?.stepUp;
    return stepUp === undefined ? reply.redirect('/', 302) : begin(request, reply, 'payments', stepUp);
  });

  app.get('/callback', async (request, reply) => {
    const query = request.url.slice('/callback'.length);
    const state = new URLSearchParams(query).get('state') ?? '';
    const flow = flows.get(state);
    // Another browser's flow is left alone: that browser may still return to it.
    if (flow === undefined || cookies.read(request.headers.cookie, BROWSER) !== flow.browser) {
      const why = 'This sign-in was not started in this browser, or took too long. Please start again.';
      return show(reply, pages.errorPage(why), 400);
    }
    flows.delete(state);
    const earlier = visits.sessions.get(flow.session);
    try {
      const granted = await issuer.finish(query, state, flow);
      if (earlier !== undefined && earlier.subject !== granted.claims.sub)
        return show(reply, pages.errorPage('You signed in as somebody else. Sign out first.'), 403);
      const session = sessionFrom(granted, flow.service, earlier);
      visits.start(reply, session, flow.session);
      return show(reply, pages.leadOnPage('Signed in', session.waiting === undefined ? '/' : '/waiting'));
    } catch (error) {
      if (!(error instanceof AuthorizationResponseError)) throw error;
      const refused = error.error === 'access_denied';
      const notice = refused ? 'You did not allow it. Nothing was changed.' : 'Your bank could not do that.';
      if (earlier === undefined) return show(reply, pages.welcomePage(notice));
      earlier.notice = notice;
      return show(reply, pages.leadOnPage('Not allowed', '/'));
    }
  });

  app.post('/sign-out', async (request, reply) => {
    const sent = visits.form(request, reply);
    if (sent === undefined) return reply;
    const { session } = sent;
    visits.end(request, reply);
    const next = await issuer.signOutUrl().catch(() => undefined);
    await Promise.allSettled([...session.allowed.values()].map((allowed) => issuer.revoke(allowed)));
    return show(reply, pages.leadOnPage('Signing out', next ?? '/signed-out'));
  });
  app.get('/signed-out', (_request, reply) => show(reply, pages.welcomePage('You are signed out.')));

  app.post('/back-channel-logout', async (request, reply) => {
    const token = isForm(request.body) ? request.body.get('logout_token') : null;
    const done = token !== null && (await backChannel.logout(token));
    return reply.code(done ? 200 : 400).send(done ? {} : { error: 'invalid_request' });
  });
}
