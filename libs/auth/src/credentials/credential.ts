import { type ExecutionContext } from '@nestjs/common';
import { type Principal } from '@countersign/auth-core';
import { type Carrier } from '../carrier.js';

/** Injection token of the {@link Credential}s that the guard asks, in order. */
export const CREDENTIALS = Symbol.for('countersign.credentials');

/** A way in which a caller proves who it is. */
export interface Credential {
  /**
   * Verifies what the request carries of this kind.
   * @returns nothing when it carries none: then the next kind is asked
   * @throws {TokenError} also by the promise, for one that is not good
   */
  verify(carrier: Carrier, context: ExecutionContext): Promise<Principal> | undefined;
  /**
   * The quick way for an HTTP request whose credential verified before, where there is one.
   * @returns undefined when {@link verify} is needed
   * @throws anything: then `verify` says what is wrong
   */
  recall?(request: object): Principal | undefined;
}
