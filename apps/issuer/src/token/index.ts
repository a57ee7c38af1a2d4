import { type Provider, type Type } from '@nestjs/common';
import { readOutsideIssuersFile } from '../outside/outside-issuers-file.js';
import { OUTSIDE_ISSUERS, OutsideTokens } from '../outside/outside-tokens.service.js';
import { Issuances } from './commits/issuances.store.js';
import { Redemptions } from './commits/redemptions.store.js';
import { Rotations } from './commits/rotations.store.js';
import { ApiKeyExchange } from './grants/api-key-exchange.service.js';
import { AuthorizationCode } from './grants/authorization-code.grant.js';
import { DeviceCodeGrant } from './grants/device-code.grant.js';
import { FurtherTokensOf } from './grants/further-tokens.service.js';
import { JwtBearer } from './grants/jwt-bearer.grant.js';
import { OutsideExchange } from './grants/outside-exchange.service.js';
import { RefreshTokenGrant } from './grants/refresh-token.grant.js';
import { SubjectTokens } from './grants/subject-tokens.service.js';
import { TokenExchange } from './grants/token-exchange.grant.js';
import { TokenGrants } from './grants/token-grants.service.js';
import { OwnSignatures } from './own-signatures.service.js';
import { OwnTokens } from './own-tokens.service.js';
import { TOKEN_LIFETIME, TokenDecisions } from './token-decisions.service.js';
import { TokenController } from './token.controller.js';
import { TokenService } from './token.service.js';

export interface TokenOptions {
  /** Seconds that a token lives where its client's policy does not say otherwise. */
  readonly lifetime: number;
  /** The file that declares other issuers whose people are accepted. */
  readonly trustedIssuersFile: string | undefined;
}

export const tokenControllers: readonly Type[] = [TokenController];

/** The token endpoint with every grant, for the issuer's module. */
export function tokenProviders({ lifetime, trustedIssuersFile }: TokenOptions): readonly Provider[] {
  return [
    { provide: TOKEN_LIFETIME, useValue: lifetime },
    { provide: OUTSIDE_ISSUERS, useFactory: () => readOutsideIssuersFile(trustedIssuersFile) },
    OutsideTokens,
    OwnSignatures,
    OwnTokens,
    SubjectTokens,
    ApiKeyExchange,
    OutsideExchange,
    TokenExchange,
    AuthorizationCode,
    JwtBearer,
    RefreshTokenGrant,
    DeviceCodeGrant,
    FurtherTokensOf,
    TokenGrants,
    TokenDecisions,
    Issuances,
    Redemptions,
    Rotations,
    TokenService,
  ];
}
