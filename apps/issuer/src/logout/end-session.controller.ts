import { Body, Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import {
  AcceptsForm,
  nothingToRecord,
  OpenApi,
  SchemaPipe,
  traceOf,
  Unrecorded,
  ZodQuery,
} from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type z } from 'zod';
import { visible } from '../consent/asked-rights.js';
import { Cookies } from '../cookies/cookies.service.js';
import { ISSUER_URL } from '../issuer-url.js';
import { formTargetsOf, sendBrowserBack } from '../pages/after-form.js';
import { FormToken } from '../pages/form-token.service.js';
import { html } from '../pages/html.js';
import { Answers } from '../pages/answers.js';
import { AnswersPages } from '../pages/answers-pages.js';
import { sendBrowserTo, sendPage } from '../pages/page.js';
import { SessionEnds } from '../sessions/session-ends.service.js';
import { isSecret, newSecret, type Session } from '../sessions/session.js';
import { byPerson, Sessions } from '../sessions/sessions.service.js';
import { mayEndUnasked, type AfterSignOut } from './end-session.js';
import {
  endSessionSchema,
  signOutSchema,
  EndSessionRequests,
  type EndSession,
} from './end-session-requests.service.js';
import { ProviderSignOut } from './provider-sign-out.service.js';
import { PROVIDER_SIGN_OUT_SECONDS } from './provider-sign-outs.store.js';
import { signedOutPage } from './signed-out-page.js';

/** Signing out: at this issuer's own page, and at an application's request (OpenID Connect RP-Initiated Logout 1.0). */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Public()
@AnswersPages()
@Controller()
export class EndSessionController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(EndSessionRequests) private readonly requests: EndSessionRequests,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(ProviderSignOut) private readonly providerSignOut: ProviderSignOut,
    @Inject(SessionEnds) private readonly ends: SessionEnds,
    @Inject(FormToken) private readonly forms: FormToken,
    @Inject(Cookies) private readonly cookies: Cookies,
  ) {}

  /**
   * Ends the person's session: immediately for an application that presents the person's own ID token, otherwise after the person has agreed. At the
   * person's provider too, depending on its declaration (`sign_out`): automatically, or if the person wants it. Then the browser goes to `post_logout_redirect_uri`, if the application has registered it. 400 for an unregistered address.
   */
  @Get('oauth2/end-session')
  @Answers({
    200: 'the confirmation page, or one that says that nobody is signed in',
    303: 'to `post_logout_redirect_uri`, or first to the provider',
    400: 'a page that says what is wrong',
  })
  async endSession(
    @ZodQuery(endSessionSchema) asked: EndSession,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { after, hint } = await this.requests.read(asked, traceOf(request));
    const session = await this.sessions.of(request);
    if (session !== undefined && mayEndUnasked(session, hint)) return this.#end(session, after, request, reply, 'link');
    // The page shows only whose session the browser has.
    nothingToRecord(traceOf(request));
    if (session === undefined) return this.#signedOut(reply, after, 'link');
    this.#ask(session, asked, after, request, reply);
  }

  /** The same as a form: the browser returns by GET, because a form from another site sends no cookie. */
  @Post('oauth2/end-session')
  @Answers({ 303: 'to the same address by GET', 400: 'a page that says what is wrong' })
  @AcceptsForm()
  @Unrecorded('only redirects to the same address by GET')
  endSessionByForm(@Body(new SchemaPipe(endSessionSchema)) asked: EndSession, @Res() reply: FastifyReply): void {
    sendBrowserTo(reply, `${this.issuer}/oauth2/end-session?${query(asked)}`);
  }

  /** This issuer's own sign-out page, which asks for confirmation, so that links can lead to it. */
  @Get('sign-out')
  @Answers({ 200: 'the confirmation page, or one that says that nobody is signed in' })
  @Unrecorded('shows only whose session the browser has')
  async signOutPage(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const session = await this.sessions.of(request);
    if (session === undefined) return this.#signedOut(reply, undefined, 'link');
    this.#ask(session, {}, undefined, request, reply);
  }

  /** Ends the session of this browser, from a page of this issuer. 400 `FORM_FOREIGN` from anywhere else. */
  @Post('sign-out')
  @Answers({
    200: 'the page that confirms it, or one that continues automatically to a web application or to the provider',
    303: 'to a native application',
    400: 'a page that says what is wrong',
  })
  @AcceptsForm()
  async signOut(
    @Body(new SchemaPipe(signOutSchema)) form: z.infer<typeof signOutSchema>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { after } = await this.requests.read(form, traceOf(request));
    const session = await this.sessions.of(request);
    if (session === undefined) {
      await this.forms.admitSite(request);
      nothingToRecord(traceOf(request));
      return this.#signedOut(reply, after, 'form');
    }
    await this.forms.admit(request, form);
    await this.#end(session, after, request, reply, 'form');
  }

  #ask(
    session: Session,
    asked: EndSession,
    after: AfterSignOut | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const kept = Object.entries(asked).map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
    );
    sendPage(reply, {
      title: 'Sign out?',
      person: session.person.name,
      formTargets: after === undefined ? [] : formTargetsOf(after),
      body: html`${after === undefined ? undefined : html`<p>${visible(after.clientName)} asks to sign you out.</p>`}
        <p>
          Applications that signed you in through Countersign are notified. What you allowed them to do while you are
          away stays; you can end that under <a href="${this.issuer}/account">your account</a>.
        </p>
        <form method="post" action="${this.issuer}/sign-out">
          ${this.forms.field(request)}${kept}
          <div class="actions">
            <button type="submit">Sign out</button>
            <a class="button second" href="${this.issuer}/account">Stay signed in</a>
          </div>
        </form>`,
    });
  }

  /** @param by how the browser sent the request: what follows a form is held to the policy of the form's page */
  async #end(
    session: Session,
    after: AfterSignOut | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    by: 'link' | 'form',
  ): Promise<void> {
    const idToken = await this.sessions.idTokenOf(request);
    const trace = traceOf(request);
    const ended = await this.ends.end({ id: session.id }, 'sign-out', byPerson(session, trace));
    // Somebody else ended it at this moment.
    if (ended.length === 0) nothingToRecord(trace);
    this.cookies.clear(reply, 'session');
    const known = this.cookies.read(request, 'sign-in');
    const browser = isSecret(known) ? known : newSecret();
    const { provider } = session.person;
    const wayOut = await this.providerSignOut.begin({ provider, idToken, leadsTo: after?.url, browser });
    if (wayOut.kind === 'none') return this.#signedOut(reply, after, by);
    this.cookies.set(reply, 'sign-in', browser, PROVIDER_SIGN_OUT_SECONDS);
    if (wayOut.kind === 'always' && by === 'link') {
      sendBrowserTo(reply, wayOut.url);
      return;
    }
    sendPage(reply, signedOutPage({ signInUrl: `${this.issuer}/sign-in`, wayOut, after }));
  }

  #signedOut(reply: FastifyReply, after: AfterSignOut | undefined, by: 'link' | 'form'): void {
    if (after !== undefined) {
      if (by === 'link') sendBrowserTo(reply, after.url);
      else sendBrowserBack(reply, after);
      return;
    }
    const signInUrl = `${this.issuer}/sign-in`;
    sendPage(reply, signedOutPage({ signInUrl, wayOut: { kind: 'none' }, after }));
  }
}

function query(asked: EndSession): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) set.set(name, value);
  return set.toString();
}
