import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { AcceptsForm, OpenApi, Trace, type RequestTrace } from '@countersign/service-host';
import { DeviceAuthorization, type DeviceAnswer } from './device-authorization.service.js';

@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Public()
@Controller('oauth2')
export class DeviceAuthorizationController {
  constructor(@Inject(DeviceAuthorization) private readonly devices: DeviceAuthorization) {}

  /**
   * A device without a browser begins (RFC 8628, section 3.1): `scope`, perhaps `resource`. Its person enters `user_code` at `verification_uri`;
   * the device asks the token endpoint every `interval` seconds. Errors: `invalid_client` (401), `invalid_scope`, `invalid_target`,
   * `unauthorized_client` (400).
   */
  @Post('device_authorization')
  @HttpCode(200)
  @AcceptsForm()
  begin(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('user-agent') userAgent: string | undefined,
    @Trace() trace: RequestTrace,
  ): Promise<DeviceAnswer> {
    return this.devices.begin(body, authorization, userAgent, trace);
  }
}
