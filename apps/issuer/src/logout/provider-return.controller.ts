import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { OpenApi, Unrecorded, ZodQuery } from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Cookies } from '../cookies/cookies.service.js';
import { ISSUER_URL } from '../issuer-url.js';
import { Answers } from '../pages/answers.js';
import { AnswersPages } from '../pages/answers-pages.js';
import { sendBrowserTo, sendPage } from '../pages/page.js';
import { ProviderSignOut } from './provider-sign-out.service.js';
import { signedOutPage } from './signed-out-page.js';

const returnSchema = z.object({ state: z.string().max(512).optional() });

/** Where providers redirect people who have signed out there. */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Public()
@AnswersPages()
@Controller('sign-in/signed-out')
export class ProviderReturnController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(ProviderSignOut) private readonly signOut: ProviderSignOut,
    @Inject(Cookies) private readonly cookies: Cookies,
  ) {}

  /** Redirects to the application that asked, if this browser started the sign-out there; otherwise shows a page. Ends nothing. */
  @Get(':provider')
  @Answers({ 200: 'the page of the end', 303: 'to the application that asked' })
  @Unrecorded('shows and changes nothing; the end of the session is a separate event')
  async back(
    @Param('provider') provider: string,
    @ZodQuery(returnSchema) { state }: z.infer<typeof returnSchema>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const back = await this.signOut.finish(provider, state, this.cookies.read(request, 'sign-in'));
    if (back?.leadsTo === undefined) {
      const signInUrl = `${this.issuer}/sign-in`;
      sendPage(reply, signedOutPage({ signInUrl, wayOut: back?.wayOut ?? { kind: 'none' }, after: undefined }));
    } else sendBrowserTo(reply, back.leadsTo);
  }
}
