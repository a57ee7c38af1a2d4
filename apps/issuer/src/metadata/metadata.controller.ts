import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { supportedAlgorithms } from '@countersign/auth-core';
import { OpenApi, Unrecorded } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { TokenGrants } from '../token/grants/token-grants.service.js';

/** The endpoints take the same credentials. */
function clientAuthentication(endpoint: string): object {
  return {
    [`${endpoint}_auth_methods_supported`]: ['private_key_jwt', 'client_secret_basic'],
    [`${endpoint}_auth_signing_alg_values_supported`]: supportedAlgorithms,
  };
}

@OpenApi(({ ApiTags }) => ApiTags('metadata'))
@Public()
@Unrecorded('public metadata, for everybody')
@Controller('.well-known')
export class MetadataController {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(TokenGrants) private readonly grants: TokenGrants,
  ) {}

  /** Authorization server metadata (RFC 8414, section 2): only what the endpoints really take. */
  @Get('oauth-authorization-server')
  @Header('cache-control', 'public, max-age=300')
  read(): object {
    return {
      issuer: this.issuer,
      token_endpoint: `${this.issuer}/oauth2/token`,
      revocation_endpoint: `${this.issuer}/oauth2/revoke`,
      introspection_endpoint: `${this.issuer}/oauth2/introspect`,
      jwks_uri: `${this.issuer}/.well-known/jwks.json`,
      /** Ours: the keys that sign what is revoked, which are never keys of tokens. */
      revocation_jwks_uri: `${this.issuer}/.well-known/revocation-jwks.json`,
      grant_types_supported: this.grants.types,
      response_types_supported: [],
      dpop_signing_alg_values_supported: supportedAlgorithms,
      ...clientAuthentication('token_endpoint'),
      ...clientAuthentication('revocation_endpoint'),
      ...clientAuthentication('introspection_endpoint'),
    };
  }
}
