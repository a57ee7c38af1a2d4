import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { supportedAlgorithms } from '@countersign/auth-core';
import { OpenApi, Unrecorded } from '@countersign/service-host';
import { prompts } from '../authorization/authorization-request.js';
import { ISSUER_URL } from '../issuer-url.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { identityScopes } from '../registry/people-policy.js';
import { Replica } from '../registry/replica.service.js';
import { TokenGrants } from '../token/grants/token-grants.service.js';

/** The endpoints accept the same credentials; all except introspection also accept a public client's name. */
function clientAuthentication(endpoint: string, ...further: readonly 'none'[]): object {
  return {
    [`${endpoint}_auth_methods_supported`]: ['private_key_jwt', 'client_secret_basic', ...further],
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
    @Inject(ClientDocuments) private readonly documents: ClientDocuments,
    @Inject(TokenGrants) private readonly grants: TokenGrants,
    @Inject(Replica) private readonly replica: Replica,
  ) {}

  /** Authorization server metadata (RFC 8414, section 2): only what the endpoints really accept. */
  @Get('oauth-authorization-server')
  @Header('cache-control', 'public, max-age=300')
  read(): object {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/oauth2/authorize`,
      pushed_authorization_request_endpoint: `${this.issuer}/oauth2/par`,
      require_pushed_authorization_requests: false,
      // RFC 8628, section 4.
      device_authorization_endpoint: `${this.issuer}/oauth2/device_authorization`,
      token_endpoint: `${this.issuer}/oauth2/token`,
      revocation_endpoint: `${this.issuer}/oauth2/revoke`,
      userinfo_endpoint: `${this.issuer}/oauth2/userinfo`,
      introspection_endpoint: `${this.issuer}/oauth2/introspect`,
      // OpenID Connect RP-Initiated Logout, section 2.1, and Back-Channel Logout, section 2.1.
      end_session_endpoint: `${this.issuer}/oauth2/end-session`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      jwks_uri: `${this.issuer}/.well-known/jwks.json`,
      /** Our own member: the keys that sign revocations, which are never token keys. */
      revocation_jwks_uri: `${this.issuer}/.well-known/revocation-jwks.json`,
      grant_types_supported: this.grants.types,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: prompts,
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      claims_parameter_supported: false,
      client_id_metadata_document_supported: this.documents.allowed,
      dpop_signing_alg_values_supported: supportedAlgorithms,
      ...clientAuthentication('token_endpoint', 'none'),
      ...clientAuthentication('revocation_endpoint', 'none'),
      ...clientAuthentication('introspection_endpoint'),
    };
  }

  /** The same, plus what OpenID Connect adds (OpenID Connect Discovery, section 3). */
  @Get('openid-configuration')
  @Header('cache-control', 'public, max-age=300')
  openId(): object {
    return {
      ...this.read(),
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.replica.signer.alg],
      scopes_supported: [...identityScopes],
      claims_supported: [
        ...['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'sid'],
        ...['name', 'updated_at', 'email', 'email_verified'],
      ],
    };
  }
}
