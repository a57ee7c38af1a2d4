import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OpenApi, Trace, type RequestTrace } from '@countersign/service-host';
import { PushedRequests, type PushedAnswer } from './pushed-requests.service.js';

@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@Controller('oauth2')
export class PushedRequestsController {
  constructor(@Inject(PushedRequests) private readonly requests: PushedRequests) {}

  /**
   * Pushed authorization requests (RFC 9126): the parameters of the authorization endpoint, from the client itself, authenticated as at the token
   * endpoint. 201 with a `request_uri` that works for 90 seconds, for one answer. A `DPoP` header, or `dpop_jkt`, names the key that may redeem
   * the code (RFC 9449, section 10). Errors: `invalid_client` (401); those of the authorization endpoint, `unauthorized_client`,
   * `invalid_dpop_proof` (400).
   */
  @Post('par')
  @HttpCode(201)
  @AcceptsForm()
  push(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('dpop') dpop: string | undefined,
    @Trace() trace: RequestTrace,
  ): Promise<PushedAnswer> {
    return this.requests.push(body, { authorization, dpop }, trace);
  }
}
