import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OpenApi, Trace, type RequestTrace } from '@countersign/service-host';
import { parseTokenForm } from '../token/token-form.js';
import { TokenRevocationService } from './token-revocation.service.js';

@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@Controller('oauth2')
export class TokenRevocationController {
  constructor(@Inject(TokenRevocationService) private readonly tokens: TokenRevocationService) {}

  /**
   * Revocation (RFC 7009): `token`, from the client that it was issued to, authenticated as at the token endpoint. 200 with no body, also for
   * a token that is unknown, expired or revoked already. Errors: `invalid_client` (401), `invalid_request`, `unauthorized_client` (400).
   */
  @Post('revoke')
  @HttpCode(200)
  @AcceptsForm()
  async revoke(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Trace() trace: RequestTrace,
  ): Promise<void> {
    await this.tokens.revoke(parseTokenForm(body, authorization), trace);
  }
}
