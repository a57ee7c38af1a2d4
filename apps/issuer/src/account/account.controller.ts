import { Body, Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, nothingToRecord, OpenApi, SchemaPipe, traceOf } from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ISSUER_URL } from '../issuer-url.js';
import { sendBrowserOn } from '../pages/after-form.js';
import { FormToken } from '../pages/form-token.service.js';
import { Answers } from '../pages/answers.js';
import { AnswersPages } from '../pages/answers-pages.js';
import { sendBrowserTo, sendPage } from '../pages/page.js';
import { Providers } from '../providers/providers.service.js';
import { clientIdSchema } from '../registry/client-id.js';
import { Replica } from '../registry/replica.service.js';
import { sessionIdSchema, type Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { accountPage } from './account-page.js';
import { Account } from './account.service.js';

const formToken = z.string().optional();
const applicationFormSchema = z.strictObject({ form_token: formToken, client_id: clientIdSchema });
const sessionFormSchema = z.strictObject({ form_token: formToken, session_id: sessionIdSchema });
const emptyFormSchema = z.strictObject({ form_token: formToken });

/** The target of a form that ends something. */
const END_ANSWERS = {
  200: 'a page that continues automatically to the sign-in',
  303: 'to the account page',
  400: 'a page that says what is wrong',
};

/** A person's own page: applications and what they did, sessions and devices, with a button to end each immediately. */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Public()
@AnswersPages()
@Controller('account')
export class AccountController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(Account) private readonly account: Account,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(Providers) private readonly providers: Providers,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(FormToken) private readonly forms: FormToken,
  ) {}

  /** What the person allowed applications, what they used it for, and where the person is signed in. Without a session: to sign in. */
  @Get()
  @Answers({ 200: 'the page', 303: 'to the sign-in' })
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const session = await this.sessions.of(request);
    const trace = traceOf(request);
    if (session === undefined) {
      nothingToRecord(trace);
      sendBrowserTo(reply, `${this.issuer}/sign-in`);
      return;
    }
    const { person } = session;
    const { applications, sessions, more, words } = await this.account.read(session, trace);
    sendPage(reply, {
      title: 'Your account',
      person: person.name,
      body: accountPage({
        issuer: this.issuer,
        formToken: this.forms.field(request),
        applications,
        sessions,
        more,
        words,
        own: session.id,
        nameOf: (clientId) => this.replica.client(clientId)?.client.client_name ?? clientId,
        email: person.email,
        provider: this.providers.find(person.provider)?.title ?? person.provider,
        roles: person.roles,
      }),
    });
  }

  /** Ends everything that the person allowed an application: its tokens are refused everywhere, immediately. */
  @Post('applications/end')
  @Answers(END_ANSWERS)
  @AcceptsForm()
  endApplication(
    @Body(new SchemaPipe(applicationFormSchema)) form: z.infer<typeof applicationFormSchema>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.#end(form, request, reply, (session) =>
      this.account.endApplication(session, form.client_id, traceOf(request)),
    );
  }

  /** Ends another session of the person, with what was allowed in it. */
  @Post('sessions/end')
  @Answers(END_ANSWERS)
  @AcceptsForm()
  endSession(
    @Body(new SchemaPipe(sessionFormSchema)) form: z.infer<typeof sessionFormSchema>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.#end(form, request, reply, (session) =>
      this.account.endSession(session, form.session_id, traceOf(request)),
    );
  }

  /** Ends all sessions of the person but this one. */
  @Post('sessions/end-others')
  @Answers(END_ANSWERS)
  @AcceptsForm()
  endOtherSessions(
    @Body(new SchemaPipe(emptyFormSchema)) form: z.infer<typeof emptyFormSchema>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.#end(form, request, reply, (session) => this.account.endOtherSessions(session, traceOf(request)));
  }

  /**
   * Checks the form, ends something, and shows the page again: reloading it repeats nothing.
   * @param end resolves with whether anything ended
   */
  async #end(
    form: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    end: (session: Session) => Promise<boolean>,
  ): Promise<void> {
    await this.forms.admit(request, form);
    const session = await this.sessions.of(request);
    if (session === undefined) {
      nothingToRecord(traceOf(request));
      sendBrowserOn(reply, `${this.issuer}/sign-in`);
      return;
    }
    if (!(await end(session))) nothingToRecord(traceOf(request));
    sendBrowserTo(reply, `${this.issuer}/account`);
  }
}
