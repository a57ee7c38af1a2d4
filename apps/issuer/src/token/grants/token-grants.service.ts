import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';
import { AuthorizationCode } from './authorization-code.grant.js';
import { clientCredentials } from './client-credentials.grant.js';
import { DeviceCodeGrant } from './device-code.grant.js';
import { type TokenGrant } from './grant.js';
import { JwtBearer } from './jwt-bearer.grant.js';
import { RefreshTokenGrant } from './refresh-token.grant.js';
import { TokenExchange } from './token-exchange.grant.js';

/** Every grant that the token endpoint has. */
@Injectable()
export class TokenGrants {
  readonly #grants: ReadonlyMap<string, TokenGrant>;
  /** Their `grant_type`s. */
  readonly types: readonly string[];

  constructor(
    @Inject(TokenExchange) exchange: TokenExchange,
    @Inject(AuthorizationCode) code: AuthorizationCode,
    @Inject(JwtBearer) bearer: JwtBearer,
    @Inject(RefreshTokenGrant) refresh: RefreshTokenGrant,
    @Inject(DeviceCodeGrant) device: DeviceCodeGrant,
  ) {
    const grants: readonly TokenGrant[] = [clientCredentials, exchange, code, bearer, refresh, device];
    this.#grants = new Map(grants.map((grant) => [grant.type, grant]));
    this.types = [...this.#grants.keys()];
  }

  /** @throws {OAuthError} `invalid_request`, `unsupported_grant_type` */
  named({ grant_type: type }: Form): TokenGrant {
    if (type === undefined) throw new OAuthError(400, 'invalid_request', 'grant_type is missing');
    const grant = this.#grants.get(type);
    if (grant !== undefined) return grant;
    throw new OAuthError(400, 'unsupported_grant_type', `use one of: ${this.types.join(', ')}`);
  }
}
