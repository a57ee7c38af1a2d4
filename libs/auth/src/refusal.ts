import { type ExecutionContext } from '@nestjs/common';
import { type Principal, type TokenErrorCode } from '@countersign/auth-core';

/** Why a request was refused: a token's fault, or `ROUTE_NOT_DECLARED` for a route that says neither what it needs nor that it is public. */
export type RefusalCode = TokenErrorCode | 'ROUTE_NOT_DECLARED';

/** A refused request, for the audit trail. It holds no token. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly status: 401 | 403 | 503;
  /** What the caller is told. */
  readonly message: string;
  /** More for logs; may be undefined. */
  readonly detail: string | undefined;
  /** Known when the token itself was good (a scope is missing). */
  readonly principal: Principal | undefined;
}

/** Called, and awaited, before a refusal is answered; the context leads to the framework's own request. */
export type RefusalListener = (refusal: Refusal, context: ExecutionContext) => Promise<void>;
