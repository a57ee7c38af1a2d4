import { Body, Controller, Header, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OpenApi, Trace, type RequestTrace } from '@countersign/service-host';
import { TokenService, type TokenAnswer } from './token.service.js';

@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@Controller('oauth2')
export class TokenController {
  constructor(@Inject(TokenService) private readonly tokens: TokenService) {}

  /**
   * The token endpoint (RFC 6749, section 3.2): `client_credentials`, or token exchange (RFC 8693). The client authenticates by
   * `private_key_jwt` (RFC 7523) or `client_secret_basic`. A `DPoP` header binds the token to
   * the key of its proof (RFC 9449, section 5). Errors: `invalid_client` (401), `invalid_request`, `invalid_scope`,
   * `invalid_target`, `unsupported_grant_type`, `invalid_dpop_proof`, `use_dpop_nonce` with `DPoP-Nonce` (400); 429 with `Retry-After` beyond the rate limits.
   */
  @Post('token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @AcceptsForm()
  issue(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('dpop') dpop: string | undefined,
    @Trace() trace: RequestTrace,
  ): Promise<TokenAnswer> {
    return this.tokens.issue(body, { authorization, dpop }, trace);
  }
}
