import { type AuthorizationError } from './authorization-request.js';

/** What does not go to the application, with the error that it gets (RFC 6749, section 4.1.2.1). */
export class AuthorizationRefused extends Error {
  constructor(
    readonly to: {
      readonly clientId: string;
      readonly redirectUri: string;
      readonly native?: boolean;
      readonly state?: string | undefined;
      readonly audience?: string;
      readonly scopes?: readonly string[];
      /** Of the request that ends with this. */
      readonly keptId?: string;
    },
    readonly error: AuthorizationError,
    readonly description: string,
  ) {
    super(description);
  }
}
