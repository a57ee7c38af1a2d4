import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '@countersign/auth';
import { ISSUER_URL } from '../clients/client-authentication.js';
import { grantTypes } from '../token/token-request.js';

@ApiTags('metadata')
@Public()
@Controller('.well-known')
export class MetadataController {
  constructor(@Inject(ISSUER_URL) private readonly issuer: string) {}

  /** Authorization server metadata (RFC 8414, section 2): only what the endpoints really take. */
  @Get('oauth-authorization-server')
  @Header('cache-control', 'public, max-age=300')
  read(): object {
    return {
      issuer: this.issuer,
      token_endpoint: `${this.issuer}/oauth2/token`,
      jwks_uri: `${this.issuer}/.well-known/jwks.json`,
      grant_types_supported: grantTypes,
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    };
  }
}
