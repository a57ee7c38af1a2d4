import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { credentialsOf, type Principal } from '@countersign/auth-core';
import { type AccessTokenVerifier, type ClientCertificate } from '../auth.settings.js';
import { authorizationOf, type Carrier } from '../carrier.js';
import { STRATEGY_NAME, tokenErrorOf, useVerifier } from '../jwt.strategy.js';
import { type Credential } from './credential.js';

/** The passport side: first-seen tokens of HTTP requests pass through passport-jwt. */
@Injectable()
class PassportGuard extends AuthGuard(STRATEGY_NAME) {
  override handleRequest<User>(error: unknown, user: User | false, info: unknown): User {
    if (user === false || (error !== null && error !== undefined)) throw tokenErrorOf(error, info);
    return user;
  }

  async authenticate(context: ExecutionContext): Promise<Principal> {
    await this.canActivate(context);
    const { user } = context.switchToHttp().getRequest<{ user: Principal }>();
    return user;
  }
}

/** `Authorization: Bearer` (RFC 6750, section 2.1). */
export class BearerCredential implements Credential {
  readonly #passport = new PassportGuard();

  /** @param certificateOf the certificate that a request's client showed */
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly certificateOf?: ClientCertificate,
  ) {}

  verify(carrier: Carrier, context: ExecutionContext): Promise<Principal> | undefined {
    const credentials = credentialsOf(carrier.header('authorization'));
    return credentials?.scheme === 'bearer' ? this.#verify(credentials.token, carrier, context) : undefined;
  }

  recall(request: object): Principal | undefined {
    const header = authorizationOf(request);
    return header === undefined ? undefined : this.verifier.cachedAuthorization?.(header);
  }

  async #verify(token: string, { kind, holder }: Carrier, context: ExecutionContext): Promise<Principal> {
    const certificate = this.certificateOf?.(holder);
    if (certificate !== undefined && this.verifier.verifyWithCertificate !== undefined) {
      return this.verifier.verifyWithCertificate(token, certificate);
    }
    const known = this.verifier.cached?.(token);
    if (known !== undefined) return known;
    if (kind !== 'http') return this.verifier.verifyWithRefresh(token);
    useVerifier(holder, this.verifier);
    return this.#passport.authenticate(context);
  }
}
