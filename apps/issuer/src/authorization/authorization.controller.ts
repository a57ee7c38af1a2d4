import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AcceptsForm,
  AUDIT_OUTBOX,
  byNobody,
  OpenApi,
  Problem,
  Refusals,
  traceOf,
  Unrecorded,
  type RequestTrace,
} from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseForm } from '../authentication/oauth-form.js';
import { linesOf } from '../consent/asked-rights.js';
import { consentPage } from '../consent/consent-page.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { AuthenticationLimits } from '../limits/authentication-limits.service.js';
import { formTargetsOf, sendBrowserBack, sendBrowserOn } from '../pages/after-form.js';
import { ForeignForm, FormToken } from '../pages/form-token.service.js';
import { html } from '../pages/html.js';
import { Answers } from '../pages/answers.js';
import { AnswersPages } from '../pages/answers-pages.js';
import { sendBrowserTo, sendPage } from '../pages/page.js';
import { AudienceWordsStore } from '../registry/audience-words.store.js';
import { type Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { parametersOf } from './authorization-parameters.js';
import { AuthorizationRefused } from './authorization-refused.js';
import { Authorization, type Step } from './authorization.service.js';
import { RequestReader, type FoundRequest } from './request-reader.service.js';

const decisionSchema = z.object({
  client_id: z.string(),
  request_uri: z.string(),
  scope: z.string(),
  decision: z.enum(['allow', 'refuse']),
});

/** Maximum characters of a form that is redirected as a query: anything in between accepts a URL of that length. */
const FORM_LIMIT = 6_000;

/** The query as it was sent, with repeated names. */
function entriesOf({ url }: FastifyRequest): URLSearchParams {
  const [, query = ''] = /\?(.*)$/s.exec(url) ?? [];
  return new URLSearchParams(query);
}

/** The request of an application to a person, and its outcome. */
@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@AnswersPages()
@Controller()
export class AuthorizationController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(RequestReader) private readonly reader: RequestReader,
    @Inject(Authorization) private readonly authorization: Authorization,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(FormToken) private readonly forms: FormToken,
    @Inject(AudienceWordsStore) private readonly words: AudienceWordsStore,
    @Inject(AuthenticationLimits) private readonly limits: AuthenticationLimits,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /**
   * The authorization endpoint (RFC 6749, section 3.1): `response_type=code` with PKCE (`S256`), as parameters or by the `request_uri` of a pushed
   * request (RFC 9126). 303 to the application with `code`, or `error`, and always `iss` (RFC 9207); to the sign-in page; or the page that asks for
   * consent. 400 with a page, and nothing to any redirect, where the application or its redirect is not proven.
   */
  @Get('oauth2/authorize')
  @Answers({
    200: 'the page that asks for consent',
    303: 'to the application with `code` or `error`, or to the sign-in',
    400: 'a page that says what is wrong; nothing is redirected',
  })
  async authorize(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const trace = traceOf(request);
    const session = await this.sessions.of(request);
    if (session === undefined) await this.#visit(trace);
    await this.#answer(request, reply, session, 'link', async () => {
      const found = await this.reader.read(parametersOf(entriesOf(request)));
      return [found, await this.authorization.step(found, session, undefined, trace)];
    });
  }

  /** The same as a form (OpenID Connect Core, section 3.1.2.1): the browser returns by GET, because a form from another site sends no cookie. */
  @Post('oauth2/authorize')
  @Answers({ 303: 'to the same address by GET', 400: 'a page that says what is wrong' })
  @AcceptsForm()
  @Unrecorded('only redirects to the same address by GET')
  authorizeByForm(@Body() body: unknown, @Res() reply: FastifyReply): void {
    const query = new URLSearchParams(parseForm(body)).toString();
    if (query.length > FORM_LIMIT) {
      const why = `The parameters have more than ${String(FORM_LIMIT)} characters; the application can push them instead (RFC 9126).`;
      throw new Problem(400, 'REQUEST_TOO_LONG', why);
    }
    sendBrowserTo(reply, `${this.issuer}/oauth2/authorize?${query}`);
  }

  /**
   * What the person decided on the page: the form of {@link authorize}, which only that page in that browser can send. 303 to a native application; to a
   * web application 200 with a page that continues by itself, which leaves the application free to redirect further.
   */
  @Post('consent')
  @Answers({
    200: 'a page that continues automatically to a web application with `code` or `error`, or to the sign-in; or the consent page again',
    303: 'to a native application with `code` or `error`',
    400: 'a page that says what is wrong',
  })
  @HttpCode(303)
  @AcceptsForm()
  async decide(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body() body: unknown): Promise<void> {
    const trace = traceOf(request);
    await this.#checkForm(request, body, trace);
    const form = decisionSchema.safeParse(body).data;
    if (form === undefined) throw new Problem(400, 'REQUEST_INVALID', 'This form is incomplete. Open the page again.');
    const session = await this.sessions.of(request);
    await this.#answer(request, reply, session, 'form', async () => {
      const found = await this.reader.byReference(form.request_uri, form.client_id);
      if (form.decision === 'refuse') throw this.authorization.declined(found);
      const scopes = form.scope.split(' ');
      const lines = linesOf({ scopes, words: await this.words.find(found.request.audience) });
      return [found, await this.authorization.step(found, session, { scopes, lines }, trace)];
    });
  }

  /** Beyond its network's limit a browser without a session has to wait. */
  async #visit({ peer }: RequestTrace): Promise<void> {
    const tooMany = await this.limits.ofVisitor(peer);
    if (tooMany !== undefined) throw tooMany;
  }

  async #checkForm(request: FastifyRequest, body: unknown, trace: RequestTrace): Promise<void> {
    try {
      this.forms.check(request, body);
    } catch (error) {
      if (!(error instanceof ForeignForm)) throw error;
      const details = { id: 'consent', outcome: 'denied', reason: error.code } as const;
      await this.outbox.recordDurably(events.event('consent.form_refused', byNobody(trace), details));
      throw error;
    }
  }

  /** @param by how the browser sent the request */
  async #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session | undefined,
    by: 'link' | 'form',
    step: () => Promise<readonly [FoundRequest, Step]>,
  ): Promise<void> {
    try {
      const [found, next] = await step();
      await this.#send(request, reply, session, by, found, next);
    } catch (error) {
      // Nothing goes to any redirect, so no application is refused: the browser is.
      if (error instanceof Problem && error.status === 400) await this.refusals.recordOf(error.code, traceOf(request));
      if (!(error instanceof AuthorizationRefused)) throw error;
      const url = await this.authorization.refuse(error, session, traceOf(request));
      if (by === 'link') sendBrowserTo(reply, url);
      else sendBrowserBack(reply, { url, native: error.to.native === true });
    }
  }

  async #send(
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session | undefined,
    by: 'link' | 'form',
    { client, request: asked }: FoundRequest,
    next: Step,
  ): Promise<void> {
    const native = client.application_type === 'native';
    if (next.kind === 'answer' && by === 'link') return sendBrowserTo(reply, next.location);
    if (next.kind === 'answer') return sendBrowserBack(reply, { url: next.location, native });
    const { uri } = next.kept;
    if (next.kind === 'sign-in' || session === undefined) {
      const back = new URLSearchParams({ client_id: client.client_id, request_uri: uri });
      const query = new URLSearchParams({ return_to: `/oauth2/authorize?${back.toString()}` });
      if (asked.loginHint !== undefined) query.set('login_hint', asked.loginHint);
      if (asked.acrValues !== undefined) query.set('acr_values', asked.acrValues);
      if (next.kind === 'sign-in' && next.again) query.set('force', '1');
      const signIn = `${this.issuer}/sign-in?${query.toString()}`;
      return by === 'link' ? sendBrowserTo(reply, signIn) : sendBrowserOn(reply, signIn);
    }
    const { audience, redirectUri } = asked;
    const { scopes } = next;
    const words = await this.words.find(audience);
    const { name } = session.person;
    const question = { client, person: name, audience, words, scopes, redirectUri };
    const hidden = html`${this.forms.field(request)}<input
        type="hidden"
        name="client_id"
        value="${client.client_id}"
      /><input type="hidden" name="request_uri" value="${uri}" /><input
        type="hidden"
        name="scope"
        value="${scopes.join(' ')}"
      />`;
    sendPage(reply, consentPage(question, hidden, formTargetsOf({ url: redirectUri, native })));
  }
}
