import { type ExecutionContext } from '@nestjs/common';
import { type Principal } from '@countersign/auth-core';
import { type Carrier } from '../carrier.js';

/** Injection token of the {@link Credential}s that the guard tries, in order. */
export const CREDENTIALS = Symbol.for('countersign.credentials');

/** A way for a caller to prove who it is. */
export interface Credential {
  /**
   * Verifies a request's credential of this kind. If that is not the access token itself, `bindToken` keeps the token for handlers that exchange it.
   * @returns undefined when it carries none: then the next kind is tried
   * @throws {TokenError} for an invalid one (the promise may reject instead)
   */
  verify(carrier: Carrier, context: ExecutionContext): Promise<Principal> | undefined;
  /**
   * The fast path for an HTTP request whose credential verified before, if there is one.
   * @returns undefined when {@link verify} is needed
   * @throws anything: then `verify` reports what is wrong
   */
  recall?(request: object): Principal | undefined;
}
