import { Inject, Injectable } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { type TokenVerifier } from '@countersign/auth-core';

/** Whether the token under which somebody reads is still good: asked again and again while they do. */
@Injectable()
export class TokenWatch {
  constructor(@Inject(TOKEN_VERIFIER) private readonly verifier: Pick<TokenVerifier, 'verifySubjectToken'>) {}

  /**
   * @param token a token that this service has verified with its proof, if it is bound to a key: it is not asked for another one
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
