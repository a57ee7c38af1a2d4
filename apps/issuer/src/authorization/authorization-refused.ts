import { type AuthorizationError } from './authorization-request.js';

/** A request that is refused, with the error for the application (RFC 6749, section 4.1.2.1). */
export class AuthorizationRefused extends Error {
  constructor(
    readonly to: {
      readonly clientId: string;
      readonly redirectUri: string;
      readonly native?: boolean;
      readonly state?: string | undefined;
      readonly audience?: string;
      readonly scopes?: readonly string[];
      /** Of the request that is refused. */
      readonly keptId?: string;
    },
    readonly error: AuthorizationError,
    readonly description: string,
  ) {
    super(description);
  }
}
