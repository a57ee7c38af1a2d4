import { Inject, Injectable } from '@nestjs/common';
import { type Policy } from '@countersign/auth';
import { requireRecentLogin, TokenError, type Principal } from '@countersign/auth-core';
import { currentCurrencySchema, moneySchema, type Money } from '@countersign/money';
import { CLOCK, Problem } from '@countersign/service-host';
import { z } from 'zod';

/** The amounts above which a person must have signed in recently. */
export interface RecentLoginRule {
  /** Minor units by currency; `*` for all others. A currency with neither has no limit. */
  readonly above: ReadonlyMap<string, bigint>;
  readonly seconds: number;
}
export const RECENT_LOGIN_RULE = Symbol('countersign.payments.recent-login-rule');

const entryPattern = /^(\*|[A-Z]{3}):([1-9][0-9]{0,14})$/;

/** `EUR:50000,*:100000`: minor units by currency, `*` for all others. */
export const recentLoginAboveSchema = z
  .string()
  .transform((text) => text.split(',').map((part) => entryPattern.exec(part.trim())))
  .transform((parts, context): ReadonlyMap<string, bigint> => {
    const above = new Map<string, bigint>();
    for (const part of parts) {
      const [, currency = '', amount = '0'] = part ?? [];
      const isKnown = currency === '*' || currentCurrencySchema.safeParse(currency).success;
      if (part === null || !isKnown || above.has(currency)) {
        const message = 'must be minor units by currency, each once, such as EUR:50000,*:100000';
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      }
      above.set(currency, BigInt(amount));
    }
    return above;
  });

/** Whether an amount needs a recent sign-in. */
export function needsRecentLogin({ amount, currency }: Money, { above }: Pick<RecentLoginRule, 'above'>): boolean {
  const limit = above.get(currency) ?? above.get('*');
  return limit !== undefined && amount > limit;
}

const withAmount = z.looseObject({ amount: moneySchema });

/**
 * A person may pay more than the amount only with a recent sign-in (RFC 9470); this does not apply to services and applications themselves. An invalid
 * body passes here and is refused when it is parsed.
 */
export const recentLoginAboveAmount: Policy = (caller, { body, resolve }) => {
  const rule = resolve<RecentLoginRule>(RECENT_LOGIN_RULE);
  const asked = withAmount.safeParse(body);
  if (caller.kind !== 'person' || !asked.success || !needsRecentLogin(asked.data.amount, rule)) return true;
  requireRecentLogin(caller, rule, resolve<() => Date>(CLOCK)().getTime() / 1_000);
  return true;
};

/** Like {@link recentLoginAboveAmount}, if the amount is only known with the payment: for captures and refunds. */
@Injectable()
export class RecentLogin {
  constructor(
    @Inject(RECENT_LOGIN_RULE) private readonly rule: RecentLoginRule,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @returns 401 with the challenge of RFC 9470 if the person must sign in again for this amount; undefined if they may continue */
  refusal(caller: Principal, money: Money): Problem | undefined {
    if (caller.kind !== 'person' || !needsRecentLogin(money, this.rule)) return undefined;
    try {
      requireRecentLogin(caller, this.rule, this.clock().getTime() / 1_000);
      return undefined;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return new Problem(error.status, error.code, `${error.message}.`, {}, error.headers('payments', []));
    }
  }
}
