import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OpenApi, Problem, Refusals, traceOf, Unrecorded } from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ISSUER_URL } from '../issuer-url.js';
import { FormToken } from '../pages/form-token.service.js';
import { Answers } from '../pages/answers.js';
import { AnswersPages } from '../pages/answers-pages.js';
import { sendBrowserTo, sendPage } from '../pages/page.js';
import { AudienceWordsStore } from '../registry/audience-words.store.js';
import { type Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { codePage, decidedPage, devicePage } from './device-page.js';
import { Devices, requestOver, type AskedDevice } from './devices.service.js';

const codeSchema = z.object({ user_code: z.string().max(64) });
const decisionSchema = codeSchema.extend({ scope: z.string(), decision: z.enum(['allow', 'refuse']) });

/** Where a person connects a device. */
@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@AnswersPages()
@Controller('device')
export class DeviceController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(Devices) private readonly devices: Devices,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(FormToken) private readonly forms: FormToken,
    @Inject(AudienceWordsStore) private readonly words: AudienceWordsStore,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /** The page to enter a code; `user_code` fills it in, and nothing more: the person still says that the code is theirs. */
  @Get()
  @Answers({ 200: 'the page to enter a code', 303: 'to the sign-in' })
  @Unrecorded('shows an empty form')
  async show(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query('user_code') code: unknown,
  ): Promise<void> {
    const typed = typeof code === 'string' && /^[A-Za-z-]{1,32}$/.test(code) ? code : '';
    const session = await this.sessions.of(request);
    if (session === undefined) {
      const back = typed === '' ? '/device' : `/device?user_code=${typed}`;
      return sendBrowserTo(reply, `${this.issuer}/sign-in?${new URLSearchParams({ return_to: back }).toString()}`);
    }
    sendPage(reply, codePage(session.person.name, typed, false, this.forms.field(request)));
  }

  /** The code that the person entered: the page that asks whether its device may act for them. */
  @Post()
  @Answers({
    200: 'the page that asks, or the page to enter a code again',
    400: 'a page that says what is wrong',
    401: 'a page that says that the person is signed out',
  })
  @HttpCode(200)
  @AcceptsForm()
  async enter(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body() body: unknown): Promise<void> {
    const { session, form } = await this.#form(request, body, codeSchema);
    const trace = traceOf(request);
    const { name } = session.person;
    const asked = await this.devices.find(form.user_code, session, trace);
    if (asked === undefined) {
      sendPage(reply, codePage(name, form.user_code, true, this.forms.field(request)));
      return;
    }
    await this.#ask(asked, session, request, reply);
  }

  /** What the person decided. */
  @Post('decision')
  @Answers({
    200: 'the page that says what was decided',
    400: 'a page that says what is wrong',
    401: 'a page that says that the person is signed out',
  })
  @HttpCode(200)
  @AcceptsForm()
  async decide(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body() body: unknown): Promise<void> {
    const { session, form } = await this.#form(request, body, decisionSchema);
    const trace = traceOf(request);
    const asked = await this.devices.find(form.user_code, session, trace);
    if (asked === undefined) throw requestOver();
    const allows = form.decision === 'allow';
    const read = new Set(form.scope.split(' '));
    // The person's roles may have grown since: nothing is allowed that the page did not name.
    if (allows && !asked.scopes.every((scope) => read.has(scope))) {
      await this.#ask(asked, session, request, reply);
      return;
    }
    await this.devices.decide(asked, allows, session, trace);
    sendPage(reply, decidedPage(session.person.name, allows));
  }

  async #ask(asked: AskedDevice, session: Session, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.devices.shown(asked, session, traceOf(request));
    const words = await this.words.find(asked.row.audience);
    sendPage(reply, devicePage(asked, session.person.name, words, this.forms.field(request)));
  }

  async #form<Schema extends z.ZodType>(
    request: FastifyRequest,
    body: unknown,
    schema: Schema,
  ): Promise<{ readonly session: Session; readonly form: z.infer<Schema> }> {
    await this.forms.admit(request, body);
    const form = schema.safeParse(body);
    if (!form.success) throw new Problem(400, 'REQUEST_INVALID', 'This form is incomplete. Open the page again.');
    const session = await this.sessions.of(request);
    if (session === undefined) {
      await this.refusals.recordOf('SESSION_OVER', traceOf(request));
      throw new Problem(401, 'SESSION_OVER', 'You are signed out. Open the page again and sign in.');
    }
    return { session, form: form.data };
  }
}
