import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { OpenApi, Unrecorded } from '@countersign/service-host';
import { type WebhookSigner } from './signature.js';

export const WEBHOOK_SIGNER = Symbol('countersign.payments.webhook-signer');

@OpenApi(({ ApiTags }) => ApiTags('webhooks'))
@Controller('.well-known')
export class JwksController {
  constructor(@Inject(WEBHOOK_SIGNER) private readonly signer: WebhookSigner) {}

  /** The public keys that verify `webhook-signature` (RFC 7517, section 5). */
  @Get('jwks.json')
  @Public()
  @Unrecorded('public keys')
  @Header('content-type', 'application/jwk-set+json')
  @Header('cache-control', 'public, max-age=300')
  read(): object {
    return this.signer.jwks;
  }
}
