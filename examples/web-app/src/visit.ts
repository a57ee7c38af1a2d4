import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Cookies } from './cookies.js';
import { Kept } from './kept.js';
import { errorPage } from './pages.js';
import { type Session } from './session.js';

const SESSION = 'corner-shop';
const MINUTE = 60_000;
const life = { lifeMs: 8 * 60 * MINUTE, idleMs: 30 * MINUTE, limit: 10_000 };

/** Sends a page. */
export function show(reply: FastifyReply, page: string, status = 200): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(page);
}

export const isForm = (body: unknown): body is URLSearchParams => body instanceof URLSearchParams;

/** Who is visiting: the session behind a request's cookie, and the forms that it may send. */
export class Visits {
  readonly sessions: Kept<Session>;
  constructor(
    private readonly cookies: Cookies,
    now: () => number,
  ) {
    this.sessions = new Kept<Session>({ ...life, now });
  }

  /** The name of a session that exists. */
  name({ headers: { cookie } }: FastifyRequest): string | undefined {
    const name = this.cookies.read(cookie, SESSION);
    return this.sessions.get(name) === undefined ? undefined : name;
  }

  session(request: FastifyRequest): Session | undefined {
    return this.sessions.get(this.name(request));
  }

  /** Starts a session under a new name, replacing an earlier one: knowing the old name is useless. */
  start(reply: FastifyReply, session: Session, earlier: string | undefined): void {
    if (earlier !== undefined) this.sessions.delete(earlier);
    this.setCookie(reply, this.sessions.add(session), life.lifeMs / 1_000);
  }

  end(request: FastifyRequest, reply: FastifyReply): void {
    this.sessions.delete(this.name(request) ?? '');
    this.setCookie(reply, '', 0);
  }

  /** A form that one of our pages created for this session; any other has already been refused. */
  form(request: FastifyRequest, reply: FastifyReply): { session: Session; form: URLSearchParams } | undefined {
    const session = this.session(request);
    const site = request.headers['sec-fetch-site'];
    const ours = site === undefined || site === 'same-origin';
    if (session !== undefined && ours && isForm(request.body) && request.body.get('form_token') === session.formToken)
      return { session, form: request.body };
    show(reply, errorPage('This form is too old, or was not made by the shop. Please try again.'), 403);
    return undefined;
  }

  private setCookie(reply: FastifyReply, name: string, maxAgeSeconds: number): void {
    void reply.header('set-cookie', this.cookies.set(SESSION, name, { sameSite: 'Strict', maxAgeSeconds }));
  }
}
