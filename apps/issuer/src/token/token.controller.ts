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
   * The token endpoint (RFC 6749, section 3.2). Grants: `client_credentials`; `authorization_code` with PKCE (RFC 7636); `refresh_token`;
   * device code (RFC 8628, section 3.4); token exchange (RFC 8693); JWT bearer (RFC 7523, section 2.1). The client authenticates by
   * `private_key_jwt` (RFC 7523, section 2.2) or `client_secret_basic`; a public client names itself by `client_id`. A `DPoP` header binds the
   * tokens to the key of its proof (RFC 9449, section 5). 200 with `expires_in` in seconds. Errors: `invalid_client` (401); `invalid_request`,
   * `invalid_grant`, `invalid_scope`, `invalid_target`, `unauthorized_client`, `unsupported_grant_type`, `invalid_dpop_proof`,
   * `use_dpop_nonce` with `DPoP-Nonce` (400), and of a device code `authorization_pending`, `slow_down`, `access_denied`, `expired_token` (400);
   * 429 with `Retry-After` beyond the rate limits; `temporarily_unavailable` (503) with `Retry-After`.
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
