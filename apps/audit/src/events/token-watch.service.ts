import { Inject, Injectable } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { type TokenVerifier } from '@countersign/auth-core';

/** Whether a reader's token is still valid: checked repeatedly while they read. */
@Injectable()
export class TokenWatch {
  constructor(@Inject(TOKEN_VERIFIER) private readonly verifier: Pick<TokenVerifier, 'verifySubjectToken'>) {}

  /**
   * @param token a token that this service has verified (with its proof, if it is bound to a key); no other proof is needed
   * @returns whether it has neither expired nor been revoked
   */
  isGood(token: string): boolean {
    try {
      this.verifier.verifySubjectToken(token);
      return true;
    } catch {
      return false;
    }
  }
}
