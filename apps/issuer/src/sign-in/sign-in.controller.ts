import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { OpenApi, Problem, traceOf, Unrecorded, ZodQuery } from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Cookies } from '../cookies/cookies.service.js';
import { ISSUER_URL } from '../issuer-url.js';
import { html } from '../pages/html.js';
import { Answers } from '../pages/answers.js';
import { AnswersPages } from '../pages/answers-pages.js';
import { sendBrowserTo, sendPage } from '../pages/page.js';
import { type Provider } from '../providers/provider.js';
import { Providers } from '../providers/providers.service.js';
import { isSecret, newSecret } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { HOME, returnPath } from './return-to.js';
import { SignIn } from './sign-in.service.js';
import { SIGN_IN_SECONDS } from './sign-ins.store.js';

const signInQuerySchema = z.strictObject({
  /** Where to go after signing in: a path of this issuer. */
  return_to: z
    .string()
    .default(HOME)
    .transform((asked, context) => {
      const path = returnPath(asked);
      if (path !== undefined) return path;
      context.addIssue({ code: 'custom', message: 'must be /account, /device or /oauth2/authorize of this issuer' });
      return z.NEVER;
    }),
  /** Whom the provider should expect (OpenID Connect Core, section 3.1.2.1). */
  login_hint: z.string().min(1).max(256).optional(),
  /** `1`: the person must authenticate again, even if they are signed in. */
  force: z.literal('1').optional(),
  /** Requested from the provider instead of its own `acr_values`. */
  acr_values: z.string().min(1).max(512).optional(),
});
type SignInQuery = z.infer<typeof signInQuerySchema>;

/** What a provider may add to its response; the rest is ignored. */
const answerMembers = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'session_state'] as const;

/** The pages of signing in. */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Public()
@AnswersPages()
@Controller('sign-in')
export class SignInController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(Providers) private readonly providers: Providers,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(SignIn) private readonly signIn: SignIn,
    @Inject(Cookies) private readonly cookies: Cookies,
  ) {}

  /** Signs a person in: redirects to the only provider, or to a page to choose one; straight to `return_to` for somebody who is signed in. */
  @Get()
  @Answers({ 200: 'the page to choose a provider', 303: 'to the provider, or back to `return_to`' })
  @Unrecorded('shows only which providers there are')
  async choose(
    @ZodQuery(signInQuerySchema) query: SignInQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (query.force === undefined && (await this.sessions.of(request)) !== undefined) {
      sendBrowserTo(reply, this.issuer + query.return_to);
      return;
    }
    const [only, ...others] = this.providers.all;
    if (only === undefined) {
      throw new Problem(503, 'PROVIDERS_NONE', 'No sign-in provider is configured; set PROVIDERS_FILE.', {
        heading: 'Nobody can sign in here',
      });
    }
    if (others.length === 0) {
      await this.#send(only, query, request, reply);
      return;
    }
    const links = this.providers.all.map(
      ({ name, title }) =>
        html`<li>
          <p><a class="button" href="${this.#linkTo(name, query)}">${title}</a></p>
        </li>`,
    );
    sendPage(reply, {
      title: 'Sign in',
      body: html`<p>Choose where you have an account. Countersign stores no passwords.</p>
        <ul class="plain">
          ${links}
        </ul>`,
    });
  }

  /** Sends a person to the provider that they chose. */
  @Get('with/:provider')
  @Answers({ 303: 'to the provider' })
  @Unrecorded('shows and changes nothing')
  async begin(
    @Param('provider') name: string,
    @ZodQuery(signInQuerySchema) query: SignInQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#send(this.#provider(name), query, request, reply);
  }

  /** Where a provider sends a person back to, with its own path for each provider. Starts a session under a new secret. */
  @Get('callback/:provider')
  @Answers({ 303: 'to where the person was going', 400: 'a page that says what is wrong' })
  async finish(
    @Param('provider') name: string,
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const answer = new URLSearchParams();
    for (const member of answerMembers) {
      const value = query[member];
      if (typeof value === 'string') answer.set(member, value);
      else if (value !== undefined) throw new Problem(400, 'PARAMETER_REPEATED', "The provider's answer is malformed.");
    }
    const tie = this.cookies.read(request, 'sign-in');
    const browser = this.sessions.browserOf(request);
    const provider = this.providers.find(name);
    const { secret, returnTo } = await this.signIn.finish(provider, answer, tie, browser, traceOf(request));
    this.cookies.set(reply, 'session', secret);
    sendBrowserTo(reply, this.issuer + returnTo);
  }

  async #send(provider: Provider, query: SignInQuery, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const known = this.cookies.read(request, 'sign-in');
    // One for all tabs: a second sign-in must not make the first one fail.
    const tie = isSecret(known) ? known : newSecret();
    const wanted = {
      returnTo: query.return_to,
      loginHint: query.login_hint,
      forced: query.force === '1',
      acrValues: query.acr_values?.split(' ').filter((value) => value !== '') ?? [],
    };
    const url = await this.signIn.begin(provider, wanted, tie, traceOf(request).peer);
    this.cookies.set(reply, 'sign-in', tie, SIGN_IN_SECONDS);
    sendBrowserTo(reply, url.href);
  }

  #provider(name: string): Provider {
    const provider = this.providers.find(name);
    if (provider === undefined) throw new Problem(404, 'PROVIDER_UNKNOWN', 'There is no such sign-in provider.');
    return provider;
  }

  #linkTo(name: string, query: SignInQuery): string {
    const set = new URLSearchParams();
    for (const [member, value] of Object.entries(query)) if (value !== undefined) set.set(member, value);
    return `${this.issuer}/sign-in/with/${name}?${set.toString()}`;
  }
}
