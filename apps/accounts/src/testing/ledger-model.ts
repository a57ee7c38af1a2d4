import { currencySchema } from '@countersign/money';
import { accountIdSchema, givesWithoutHaving, type Account, type AccountId } from '../accounts/account.js';
import { type LedgerPrincipal } from '../authority.js';
import { type CreateTransfer, type PostHold, type VoidHold } from '../transfers/transfer-command.js';
import { transferIdSchema, type Leg, type TransferId } from '../transfers/transfer.js';

/** A test step: a client's command, or the passing of time. */
export type Step = CreateTransfer | PostHold | VoidHold | { readonly kind: 'wait'; readonly seconds: number };

const numbered = (prefix: string, number: number): string =>
  `${prefix}0000000-0000-7000-8000-${number.toString().padStart(12, '0')}`;
export const transferId = (number: number): TransferId => transferIdSchema.parse(numbered('b', number));
export const accountId = (number: number): AccountId => accountIdSchema.parse(numbered('a', number));

export const start = new Date('2026-01-01T00:00:00Z');

/** Who asks, with these scopes; by default a client that acts for itself. */
export const principal = (subject: string, scopes: readonly string[] = [], clientId = subject): LedgerPrincipal => ({
  subject,
  clientId,
  actors: [],
  txn: subject,
  scopes: new Set(scopes),
});

/** The accounts of the model: one that may be overdrawn, some that may not, on either side of the books; one of another currency. */
export const modelAccounts: readonly Account[] = (
  [
    { kind: 'equity', overdraft: 'allowed', overdraftLimit: 0n, currency: 'EUR' },
    { kind: 'liability', overdraft: 'forbidden', overdraftLimit: 0n, currency: 'EUR' },
    { kind: 'liability', overdraft: 'limited', overdraftLimit: 5n, currency: 'EUR' },
    { kind: 'asset', overdraft: 'forbidden', overdraftLimit: 0n, currency: 'EUR' },
    { kind: 'liability', overdraft: 'allowed', overdraftLimit: 0n, currency: 'USD' },
  ] as const
).map((account, number) => ({
  ...account,
  id: accountId(number),
  name: `model ${String(number)}`,
  currency: currencySchema.parse(account.currency),
  status: 'open',
  owner: 'model',
  grantedBy: givesWithoutHaving(account) ? 'bank' : null,
  metadata: {},
  creditsMinusDebits: 0n,
  held: 0n,
  openedBy: 'model',
  openedAt: start,
  changedAt: start,
}));

interface ModelTransfer {
  readonly command: CreateTransfer;
  state: 'posted' | 'held' | 'voided';
  readonly deadline: number;
  /** What each leg has moved, or would. */
  readonly amounts: bigint[];
}

/** The simplest possible ledger: a list of everything that happened, added up again for each query. No locks, no running sums. */
export class LedgerModel {
  #transfers = new Map<TransferId, ModelTransfer>();
  #seconds = 0;

  copy(): LedgerModel {
    const copy = new LedgerModel();
    copy.#transfers = new Map(
      [...this.#transfers].map(([id, transfer]) => [id, { ...transfer, amounts: [...transfer.amounts] }]),
    );
    copy.#seconds = this.#seconds;
    return copy;
  }

  /** Takes one step. @returns the resulting status, or the code of the refusal */
  take(step: Step): string {
    if (step.kind === 'wait') {
      this.#seconds += step.seconds;
      return 'waited';
    }
    return step.kind === 'create' ? this.#create(step) : this.#end(step);
  }

  /** Balance and reserved amount of each account, as shown to its owner. */
  standings(): readonly string[] {
    return modelAccounts.map((account) => `${String(this.#balance(account))}/${String(this.#held(account))}`);
  }

  #state(transfer: ModelTransfer): string {
    return transfer.state === 'held' && transfer.deadline <= this.#seconds ? 'expired' : transfer.state;
  }

  #flows(state: string): readonly (Leg & { readonly corrects: TransferId | null })[] {
    return [...this.#transfers.values()]
      .filter((transfer) => this.#state(transfer) === state)
      .flatMap(({ command, amounts }) =>
        command.legs.map((leg, index) => ({ ...leg, amount: amounts[index] ?? 0n, corrects: command.corrects })),
      );
  }

  #balance({ id, kind }: Account): bigint {
    const credits = this.#flows('posted').reduce(
      (sum, leg) => sum + (leg.creditAccount === id ? leg.amount : 0n) - (leg.debitAccount === id ? leg.amount : 0n),
      0n,
    );
    return kind === 'asset' ? -credits : credits;
  }

  #held({ id, kind }: Account): bigint {
    return this.#flows('held').reduce(
      (sum, leg) => sum + ((kind === 'asset' ? leg.creditAccount : leg.debitAccount) === id ? leg.amount : 0n),
      0n,
    );
  }

  #mayStand(account: Account): boolean {
    return account.overdraft === 'allowed' || this.#balance(account) - this.#held(account) >= -account.overdraftLimit;
  }

  #create(command: CreateTransfer): string {
    const known = this.#transfers.get(command.id);
    if (known !== undefined) {
      const text = (of: CreateTransfer): string =>
        JSON.stringify(of, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
      return text(known.command) === text(command) ? this.#state(known) : 'TRANSFER_ID_REUSED';
    }
    const fault =
      (command.corrects === null ? undefined : this.#correctionFault(command, command.corrects)) ?? legFault(command);
    if (fault !== undefined) return fault;
    const state = command.holdSeconds === null ? 'posted' : 'held';
    const amounts = command.legs.map(({ amount }) => amount);
    const deadline = this.#seconds + (command.holdSeconds ?? 0);
    this.#transfers.set(command.id, { command, state, deadline, amounts });
    if (modelAccounts.every((account) => this.#mayStand(account))) return state;
    this.#transfers.delete(command.id);
    return 'INSUFFICIENT_FUNDS';
  }

  #correctionFault(command: CreateTransfer, corrects: TransferId): string | undefined {
    const original = this.#transfers.get(corrects);
    if (original === undefined) return 'CORRECTED_TRANSFER_UNKNOWN';
    if (original.state !== 'posted') return 'CORRECTED_TRANSFER_NOT_POSTED';
    for (const [index, leg] of command.legs.entries()) {
      const moved = original.command.legs.map((of, at) => ({ ...of, amount: original.amounts[at] ?? 0n }));
      const reversed = moved.filter(
        (of) =>
          of.debitAccount === leg.creditAccount &&
          of.creditAccount === leg.debitAccount &&
          of.currency === leg.currency,
      );
      if (reversed.length === 0) return 'CORRECTION_NOT_REVERSED';
      const given = [...this.#flows('posted'), ...this.#flows('held')].filter((of) => of.corrects === corrects);
      const all = [...given, ...command.legs.slice(0, index + 1)].filter(
        (of) => of.debitAccount === leg.debitAccount && of.creditAccount === leg.creditAccount,
      );
      const sum = (of: readonly Leg[]): bigint => of.reduce((total, { amount }) => total + amount, 0n);
      if (sum(all) > sum(reversed)) return 'CORRECTION_ABOVE_ORIGINAL';
    }
    return undefined;
  }

  #end(command: PostHold | VoidHold): string {
    const transfer = this.#transfers.get(command.id);
    if (transfer === undefined) return 'TRANSFER_UNKNOWN';
    if (transfer.command.holdSeconds === null) return 'TRANSFER_NOT_HELD';
    const [whole] = transfer.command.legs;
    const part = command.kind === 'post' ? command.amount?.amount : undefined;
    if (part !== undefined && transfer.command.legs.length > 1) return 'PARTIAL_POST_OF_LEGS';
    if (part !== undefined && part > (whole?.amount ?? 0n)) return 'AMOUNT_ABOVE_HOLD';
    const state = this.#state(transfer);
    const amounts = part === undefined ? transfer.command.legs.map(({ amount }) => amount) : [part];
    const wanted = command.kind === 'post' ? 'posted' : 'voided';
    if (state === wanted && (wanted === 'voided' || String(amounts) === String(transfer.amounts))) return state;
    if (state === 'expired') return 'HOLD_EXPIRED';
    if (state !== 'held') return 'TRANSFER_NOT_HELD';
    transfer.state = wanted;
    transfer.amounts.splice(0, transfer.amounts.length, ...amounts);
    return wanted;
  }
}

function legFault({ legs }: CreateTransfer): string | undefined {
  if (legs.some(({ debitAccount, creditAccount }) => debitAccount === creditAccount)) return 'SAME_ACCOUNT';
  for (const leg of legs) {
    const ends = modelAccounts.filter(({ id }) => id === leg.debitAccount || id === leg.creditAccount);
    if (ends.some(({ currency }) => currency !== leg.currency)) return 'CURRENCY_MISMATCH';
  }
  return undefined;
}
