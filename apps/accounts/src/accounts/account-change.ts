import { moneySchema } from '@countersign/money';
import { z } from 'zod';
import { authorityOf, mayTakeFrom, type LedgerPrincipal } from '../authority.js';
import { CHANGE_SIZE_LIMIT, METADATA_MEMBERS_LIMIT } from '../limits.js';
import { metadataChangeSchema, type Metadata } from '../metadata.js';
import { givesWithoutHaving, keepsItsLimit, overdraftRules, type Account } from './account.js';

/**
 * The body of `PATCH /accounts/{id}`, merged into the account (RFC 7396): a metadata member that is null is removed, one that is not named
 * stays. The overdraft rule must be complete: `overdraft_limit` belongs to `limited`.
 */
export const changeAccountSchema = z
  .strictObject({
    overdraft: z.enum(overdraftRules).optional(),
    overdraft_limit: moneySchema.optional(),
    metadata: metadataChangeSchema.optional(),
  })
  .refine(({ overdraft, metadata }) => overdraft !== undefined || metadata !== undefined, {
    message: 'must name at least one member to change',
  })
  .refine(({ overdraft, overdraft_limit }) => (overdraft === 'limited') === (overdraft_limit !== undefined), {
    path: ['overdraft_limit'],
    message: 'is only allowed with the overdraft rule limited',
  });
export type ChangeAccount = z.infer<typeof changeAccountSchema>;

/** Why a change was refused: status and detail. */
export const changeRefusals = {
  ACCOUNT_UNKNOWN: [404, 'There is no such account.'],
  OVERDRAFT_NOT_YOURS: [403, 'An overdraft rule beyond forbidden needs the scope accounts:overdraft.'],
  ACCOUNT_CLOSED: [422, 'The account is closed and cannot be reopened.'],
  CURRENCY_MISMATCH: [422, "The overdraft limit must have the account's own currency."],
  METADATA_LIMIT: [
    422,
    `An account may have at most ${String(METADATA_MEMBERS_LIMIT)} metadata members; remove some first.`,
  ],
  CHANGE_TOO_LARGE: [
    422,
    `The old and new values together exceed the ${String(CHANGE_SIZE_LIMIT)} bytes that fit in an audit event; change fewer members at a time.`,
  ],
  OVERDRAFT_IN_USE: [409, "The account's available balance is already below that limit."],
} as const satisfies Readonly<Record<string, readonly [status: 403 | 404 | 409 | 422, detail: string]>>;
export type ChangeRefusal = keyof typeof changeRefusals;

function merged(metadata: Metadata, change: ChangeAccount['metadata']): Metadata {
  const members = Object.entries({ ...metadata, ...change });
  return Object.fromEntries(members.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])));
}

/**
 * A caller with `accounts:overdraft` who sets the rule of an account that can pay out more than it has, including one that grows by debits, approves
 * that.
 * @returns the changed account, or the refusal: `ACCOUNT_UNKNOWN` to a stranger
 */
export function changeAccount(account: Account, change: ChangeAccount, by: LedgerPrincipal): Account | ChangeRefusal {
  if (!mayTakeFrom(by, account.owner)) return 'ACCOUNT_UNKNOWN';
  const { grantOverdraft } = authorityOf(by);
  if (change.overdraft !== undefined && change.overdraft !== 'forbidden' && !grantOverdraft)
    return 'OVERDRAFT_NOT_YOURS';
  if (account.status === 'closed') return 'ACCOUNT_CLOSED';
  const metadata = merged(account.metadata, change.metadata);
  if (Object.keys(metadata).length > METADATA_MEMBERS_LIMIT) return 'METADATA_LIMIT';
  if (!fitsItsEvent(account, { ...account, metadata })) return 'CHANGE_TOO_LARGE';
  if (change.overdraft === undefined) return { ...account, metadata };
  const limit = change.overdraft_limit;
  if (limit !== undefined && limit.currency !== account.currency) return 'CURRENCY_MISMATCH';
  const changed = { ...account, metadata, overdraft: change.overdraft, overdraftLimit: limit?.amount ?? 0n };
  const granter = grantOverdraft ? by.subject : account.grantedBy;
  const after = { ...changed, grantedBy: givesWithoutHaving(changed) ? granter : null };
  return keepsItsLimit(after) ? after : 'OVERDRAFT_IN_USE';
}

interface Change {
  readonly from: unknown;
  readonly to: unknown;
}

/** The changed fields, before and after, for the audit trail. */
export function changesBetween(before: Account, after: Account): Readonly<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  const tell = (name: string, from: unknown, to: unknown): void => {
    if (from !== to) changes[name] = { from, to } satisfies Change;
  };
  tell('overdraft', before.overdraft, after.overdraft);
  tell('overdraft_limit', before.overdraftLimit.toString(), after.overdraftLimit.toString());
  tell('granted_by', before.grantedBy, after.grantedBy);
  // Not by name from the objects themselves, because a member may have the name of an inherited property.
  const [were, are] = [new Map(Object.entries(before.metadata)), new Map(Object.entries(after.metadata))];
  const members = [...new Set([...were.keys(), ...are.keys()])]
    .filter((name) => were.get(name) !== are.get(name))
    .map((name) => [name, { from: were.get(name) ?? null, to: are.get(name) ?? null }] as const);
  if (members.length > 0) changes['metadata'] = Object.fromEntries(members);
  return changes;
}

/** Whether the change fits its audit event. */
function fitsItsEvent(before: Account, after: Account): boolean {
  return Buffer.byteLength(JSON.stringify(changesBetween(before, after))) <= CHANGE_SIZE_LIMIT;
}
