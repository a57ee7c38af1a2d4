import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OpenApi, Trace, type RequestTrace } from '@countersign/service-host';
import { parseTokenForm } from '../token/token-form.js';
import { IntrospectionService, type Introspection } from './introspection.service.js';

@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@Controller('oauth2')
export class IntrospectionController {
  constructor(@Inject(IntrospectionService) private readonly tokens: IntrospectionService) {}

  /**
   * Introspection (RFC 7662): `token`, from the client that it was issued to or the service that it is meant for. Everything else is
   * `{"active": false}`. Errors: `invalid_client` (401), `invalid_request` (400).
   */
  @Post('introspect')
  @HttpCode(200)
  @AcceptsForm()
  introspect(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Trace() trace: RequestTrace,
  ): Promise<Introspection> {
    return this.tokens.introspect(parseTokenForm(body, authorization), trace);
  }
}
