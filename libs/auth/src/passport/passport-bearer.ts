import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { type Principal } from '@countersign/auth-core';
import passport from 'passport';
import { type AccessTokenVerifier, type BearerVerification } from '../verification.js';
import { createStrategy, STRATEGY_NAME, tokenErrorOf, useVerifier } from './jwt.strategy.js';

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

/**
 * Lets passport-jwt extract the token from the request and call the verifier, as the strategy `countersign`:
 *
 * ```ts
 * AuthModule.forRoot({ issuer, audience: 'orders', bearer: passportBearer() });
 * ```
 * @throws {Error} for a passport-jwt without a hook for a custom verifier
 */
export function passportBearer(): BearerVerification {
  passport.use(STRATEGY_NAME, createStrategy());
  const guard = new PassportGuard();
  return (_token: string, verifier: AccessTokenVerifier, context: ExecutionContext) => {
    useVerifier(context.switchToHttp().getRequest<object>(), verifier);
    return guard.authenticate(context);
  };
}
