import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { isFromOwnPage, Public, RequireScopes, type SessionSettings } from '@countersign/auth';
import {
  AcceptsForm,
  CurrentCaller,
  OpenApi,
  Problem,
  Refusals,
  SESSIONS,
  Trace,
  traceOf,
  Unrecorded,
  ZodBody,
  ZodQuery,
  type Caller,
  type RequestTrace,
} from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BackChannelLogout, LOGOUT_TOKEN_REFUSED } from './back-channel-logout.service.js';
import { ConsoleCookies } from './console-cookies.service.js';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';
import { audiences } from './issuer.client.js';
import { SIGN_IN_SECONDS, SignIn, type ShownSession } from './sign-in.service.js';

const beginSchema = z.object({
  /** A path of the console. */
  return_to: z.string().optional(),
  /** For which service; to sign in, `audit`. */
  for: z.enum(audiences).default('audit'),
});

// The standard lets issuers send more besides this.
const logoutSchema = z.looseObject({ logout_token: z.string().min(1).max(16_384) });

/** How people sign in at the console and sign out. Tokens never reach the browser: it has a cookie, which counts only for the console's own pages. */
@OpenApi(({ ApiTags }) => ApiTags('console'))
@Controller('console')
export class ConsoleController {
  constructor(
    @Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions,
    @Inject(SignIn) private readonly signIn: SignIn,
    @Inject(SESSIONS) private readonly own: SessionSettings,
    @Inject(ConsoleCookies) private readonly cookies: ConsoleCookies,
    @Inject(BackChannelLogout) private readonly backChannel: BackChannelLogout,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /** Sends the browser to the issuer; with `for=issuer` a signed-in person requests their rights there too. */
  @Get('sign-in')
  @Public()
  @Unrecorded('it redirects to the issuer, which records who signs in')
  async begin(
    @ZodQuery(beginSchema) { return_to: returnTo, for: audience }: z.infer<typeof beginSchema>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = audience === 'audit' ? undefined : this.cookies.read(request.headers.cookie, 'console');
    const { to, pending } = await this.signIn.begin(audience, returnTo, session);
    if (pending !== undefined)
      void reply.header('set-cookie', this.cookies.set('console-sign-in', pending, SIGN_IN_SECONDS));
    await reply.redirect(to, 302);
  }

  /** Where the issuer sends the browser back to (RFC 6749, section 4.1.2). */
  @Get('signed-in')
  @Public()
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { cookie } = request.headers;
    const pending = this.cookies.read(cookie, 'console-sign-in');
    const earlier = this.cookies.read(cookie, 'console');
    const query = request.url.split('?')[1] ?? '';
    const { to, session } = await this.signIn.finish(query, pending, earlier, traceOf(request));
    const set = [this.cookies.set('console-sign-in', '', 0)];
    if (session !== undefined) set.push(this.cookies.set('console', session, Math.floor(this.options.lifeMs / 1_000)));
    await reply.header('set-cookie', set).redirect(to, 303);
  }

  /** Who is signed in; `person` is null if nobody is, which is not an error. */
  @Get('session')
  @Public()
  @Unrecorded('it shows only the caller')
  async session(@Req() request: FastifyRequest): Promise<ShownSession | { readonly person: null }> {
    const own = isFromOwnPage((name) => this.#header(request, name), this.own);
    const secret = own ? this.cookies.read(request.headers.cookie, 'console') : undefined;
    const shown = secret === undefined ? undefined : await this.signIn.who(secret);
    return shown ?? { person: null };
  }

  /**
   * The issuer reports that it ended a person's session (OpenID Connect Back-Channel Logout 1.0): sessions that came from it end here too. 400
   * `LOGOUT_TOKEN_REFUSED` for an invalid token.
   */
  @Post('back-channel-logout')
  @HttpCode(200)
  @Public()
  @AcceptsForm()
  async logout(
    @ZodBody(logoutSchema) { logout_token: token }: z.infer<typeof logoutSchema>,
    @Trace() trace: RequestTrace,
  ): Promise<void> {
    if (!(await this.backChannel.receive(token, trace)))
      throw new Problem(
        400,
        LOGOUT_TOKEN_REFUSED,
        'Send a logout_token of this issuer for this client, signed less than two minutes ago.',
      );
  }

  /** Ends the session. `next` is where the browser goes to sign out at the issuer too. */
  @Post('sign-out')
  @HttpCode(200)
  @RequireScopes()
  async end(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly next: string }> {
    const secret = this.cookies.read(request.headers.cookie, 'console');
    const next = secret === undefined ? undefined : await this.signIn.end(secret, caller);
    if (next === undefined) {
      await this.refusals.recordOf('SESSION_UNKNOWN', caller.trace, caller.principal);
      throw new Problem(404, 'SESSION_UNKNOWN', 'This request has no console session; sign in at the console first.');
    }
    void reply.header('set-cookie', this.cookies.set('console', '', 0));
    return { next };
  }

  #header(request: FastifyRequest, name: string): string | undefined {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  }
}
