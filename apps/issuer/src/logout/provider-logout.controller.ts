import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OAuthError, OpenApi, Refusals, Trace, type RequestTrace } from '@countersign/service-host';
import { z } from 'zod';
import { Providers } from '../providers/providers.service.js';
import { ProviderLogout } from './provider-logout.service.js';

const formSchema = z.looseObject({ logout_token: z.string().min(1).max(16_384) });

/** Notifications from outside providers. */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Public()
@Controller('sign-in/logout')
export class ProviderLogoutController {
  constructor(
    @Inject(Providers) private readonly providers: Providers,
    @Inject(ProviderLogout) private readonly logout: ProviderLogout,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /**
   * Back-channel logout of an outside provider (OpenID Connect Back-Channel Logout 1.0): ends the sessions that its logout token names,
   * immediately. 200 with no body; 400 `invalid_request` for an invalid token. Each token works once.
   */
  @Post(':provider')
  @HttpCode(200)
  @AcceptsForm()
  async receive(@Param('provider') name: string, @Body() body: unknown, @Trace() trace: RequestTrace): Promise<void> {
    const provider = this.providers.find(name);
    const form = formSchema.safeParse(body);
    if (provider === undefined || !form.success) {
      await this.refusals.recordOf(provider === undefined ? 'PROVIDER_UNKNOWN' : 'LOGOUT_MALFORMED', trace);
      throw new OAuthError(400, 'invalid_request', 'a declared provider must send one logout_token as a form');
    }
    await this.logout.receive(provider, form.data.logout_token, trace);
  }
}
