import fc from 'fast-check';
import { keepsItsLimit, normalBalance } from '../accounts/account.js';
import { LedgerModel, modelAccounts, principal, start, type Step } from '../testing/ledger-model.js';
import { steps } from '../testing/ledger-steps.js';
import { type LedgerPrincipal } from '../authority.js';
import { decide, type Decision } from './decision.js';
import { LedgerDraft } from './ledger-draft.js';
import { endsOf, type NewEntry } from './movement.js';
import { type Refusal } from './refusal.js';
import { type LedgerCommand } from './transfer-command.js';
import { isOverdue, statusOf, type TransferId } from './transfer.js';

const model = principal('model');

/** Only the rules, with the steps that the service takes around them. */
class DecidedLedger {
  readonly draft = new LedgerDraft(new Map(modelAccounts.map((account) => [account.id, account])), [], 180);
  readonly entries: NewEntry[] = [];
  now = start;

  take(step: Step): string {
    if (step.kind === 'wait') {
      this.now = new Date(this.now.getTime() + step.seconds * 1_000);
      return 'waited';
    }
    const first = this.#decide(step, model);
    const decision =
      !first.ok && first.code === 'INSUFFICIENT_FUNDS' && this.#expire() ? this.#decide(step, model) : first;
    return decision.ok ? statusOf(decision.transfer, this.now) : decision.code;
  }

  standings(): readonly string[] {
    return [...this.draft.accounts.values()].map((account) => {
      const overdue = [...this.draft.transfers.values()]
        .filter(({ hold }) => hold !== null && isOverdue(hold, this.now))
        .flatMap(({ legs }) => endsOf(legs))
        .filter(({ id, side }) => id === account.id && (account.kind === 'asset') === (side === 'credit'));
      const held = overdue.reduce((sum, { amount }) => sum - amount, account.held);
      return `${String(normalBalance(account.kind, account.creditsMinusDebits))}/${String(held)}`;
    });
  }

  #decide(command: LedgerCommand, by: LedgerPrincipal | null): Decision | Refusal {
    const decision = decide(command, by, this.draft, this.now);
    if (decision.ok) {
      this.draft.apply(decision);
      this.entries.push(...decision.entries);
    }
    return decision;
  }

  #expire(): boolean {
    const overdue: TransferId[] = [];
    for (const { id, hold } of this.draft.transfers.values())
      if (hold !== null && isOverdue(hold, this.now)) overdue.push(id);
    for (const id of overdue) this.#decide({ kind: 'expire', id }, null);
    return overdue.length > 0;
  }
}

class Take implements fc.Command<LedgerModel, DecidedLedger> {
  constructor(
    readonly step: Step,
    readonly outcomes: Set<string>,
  ) {}
  check(): boolean {
    return true;
  }
  run(model: LedgerModel, ledger: DecidedLedger): void {
    const outcome = ledger.take(this.step);
    this.outcomes.add(outcome);
    expect(outcome).toBe(model.take(this.step));
    expect(ledger.standings().join()).toBe(model.standings().join());
    const accounts = [...ledger.draft.accounts.values()];
    expect(accounts.every(keepsItsLimit)).toBe(true);
    expect(accounts.reduce((sum, { creditsMinusDebits }) => sum + creditsMinusDebits, 0n)).toBe(0n);
  }
  toString(): string {
    return JSON.stringify(this.step, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  }
}

describe("the ledger's rules", () => {
  it('agree with a model that recomputes everything each time, for any commands', () => {
    const outcomes = new Set<string>();
    const commands = fc.commands([steps.map((step) => new Take(step, outcomes))], { maxCommands: 40, size: 'max' });
    const property = fc.property(commands, (run) => {
      fc.modelRun(() => ({ model: new LedgerModel(), real: new DecidedLedger() }), run);
    });
    fc.assert(property, { numRuns: 300 });
    // What is rare may be missing from any one sample, but not from this one.
    fc.assert(property, { numRuns: 300, seed: 7 });
    expect([...outcomes].sort()).toEqual([
      'AMOUNT_ABOVE_HOLD',
      'CORRECTED_TRANSFER_NOT_POSTED',
      'CORRECTED_TRANSFER_UNKNOWN',
      'CORRECTION_ABOVE_ORIGINAL',
      'CORRECTION_NOT_REVERSED',
      'CURRENCY_MISMATCH',
      'HOLD_EXPIRED',
      'INSUFFICIENT_FUNDS',
      'PARTIAL_POST_OF_LEGS',
      'SAME_ACCOUNT',
      'TRANSFER_ID_REUSED',
      'TRANSFER_NOT_HELD',
      'TRANSFER_UNKNOWN',
      'expired',
      'held',
      'posted',
      'voided',
      'waited',
    ]);
  }, 180_000);
});
