import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  CLOCK,
  POOL,
  Problem,
  withAdvisoryLock,
  type Caller,
  type Unattended,
} from '@countersign/service-host';
import type pg from 'pg';
import { ACCOUNTS_CLIENT, type AccountsClient } from '../accounts/accounts.client.js';
import { ChangesStore } from '../changes/changes.store.js';
import { eventBy } from '../event-by.js';
import { firstIdAt } from '../first-id.js';
import { PaymentsStore } from '../payments/payments.store.js';
import { OWN_CLIENT_ID, RecoveryService } from '../recovery/recovery.service.js';
import { RefundsStore } from '../refunds/refunds.store.js';
import { paymentOf, refundOf } from './adoption.js';
import { differenceOf, isUnderWay, type Difference, type DifferenceCode } from './difference.js';
import { type LedgerTransfer } from '../accounts/ledger-transfer.js';
import { paged, sideBySide } from './merge.js';
import { ReconciliationStore, transferIdOf } from './reconciliation.store.js';

const lockName = 'countersign.payments-reconciliation';

/** Records, and transfers, read per page. */
const PAGE = 100;

/** Maximum differences in one report; all are counted. */
export const SHOWN_LIMIT = 100;

/** The smallest possible id. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Accounts did not answer, so nothing is known about the rest. */
class NotAnswered extends Error {}

export interface ReconciliationRequest {
  /** Only what was created since then; everything by default. */
  readonly since: Date | undefined;
  /** Repairs what can be repaired. */
  readonly repair: boolean;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

export interface ReportJson {
  /** Whether both sides agree after the repairs. */
  readonly ok: boolean;
  readonly started_at: string;
  readonly finished_at: string;
  readonly payments: number;
  readonly refunds: number;
  readonly transfers: number;
  /** What still differs, by code. */
  readonly differences: Readonly<Record<DifferenceCode, number>>;
  readonly repaired: number;
  readonly shown: readonly (DifferenceJson & { readonly repaired: boolean })[];
}

interface DifferenceJson extends Omit<Difference, 'transferId' | 'repair'> {
  readonly transfer_id: string;
  readonly repair: Difference['repair'];
}

/** Compares payments and refunds with the transfers that payments made at accounts, both ways; reports differences and repairs what it can. */
@Injectable()
export class ReconciliationService {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(ReconciliationStore) private readonly store: ReconciliationStore,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(RecoveryService) private readonly recovery: RecoveryService,
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(RefundsStore) private readonly refunds: RefundsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(OWN_CLIENT_ID) private readonly clientId: string,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * One run at a time, across all replicas.
   * @throws {Problem} 409 `RECONCILIATION_RUNNING`; 503 `ACCOUNTS_UNAVAILABLE`: what was repaired by then stays repaired; the signal's reason
   */
  async run(request: ReconciliationRequest, who: Caller | Unattended): Promise<ReportJson> {
    try {
      const report = await withAdvisoryLock(this.pool, lockName, () => this.#compare(request, who));
      if (report !== undefined) return report;
      const failure = 'RECONCILIATION_RUNNING';
      // Each night one replica compares; that the others find it running is not a refusal.
      if ('principal' in who)
        await this.outbox.recordDurably(eventBy(who, 'payments.reconcile_refused', { id: EVERY, failure }));
      const detail = 'A reconciliation is already running; retry when it has ended.';
      throw new Problem(409, failure, detail, { retry_after: 30 });
    } catch (error) {
      if (!(error instanceof NotAnswered)) throw error;
      const detail = 'The accounts service did not answer, so the comparison is incomplete; run it again later.';
      throw new Problem(503, 'ACCOUNTS_UNAVAILABLE', detail, { reason: error.message, retry_after: 5 });
    }
  }

  async #compare({ since, repair, signal }: ReconciliationRequest, who: Caller | Unattended): Promise<ReportJson> {
    const startedAt = this.clock();
    const first = since === undefined ? FIRST_ID : firstIdAt(since);
    const counts = { payments: 0, refunds: 0, transfers: 0, repaired: 0 };
    const differences = { TRANSFER_MISSING: 0, TRANSFER_DIFFERS: 0, RECORD_BEHIND: 0, RECORD_MISSING: 0 };
    const shown: (DifferenceJson & { repaired: boolean })[] = [];
    const records = paged(first, async (after) => {
      const items = await this.store.page(after, PAGE);
      const last = items.at(-1);
      return { items, next: items.length < PAGE || last === undefined ? undefined : transferIdOf(last) };
    });
    const transfers = paged(first, async (after) => {
      const page = await this.accounts.list(after, PAGE);
      if ('unknown' in page) throw new NotAnswered(page.unknown);
      return { items: page.transfers, next: page.nextCursor ?? undefined };
    });
    for await (const { id, one: kept, other: transfer } of sideBySide(
      records,
      transfers,
      transferIdOf,
      ({ id: of }) => of,
    )) {
      signal?.throwIfAborted();
      if (kept?.kind === 'payment') counts.payments += 1;
      if (kept?.kind === 'refund') counts.refunds += 1;
      if (transfer !== undefined) counts.transfers += 1;
      if (differenceOf(kept, transfer) === undefined) continue;
      // Both sides keep working while they are compared, so every difference is checked again individually.
      const difference = await this.#check(id);
      if (difference === undefined) continue;
      const records = repair ? await this.#repair(difference, who) : 0;
      const repaired = records > 0;
      counts.repaired += records;
      if (!repaired) differences[difference.code] += 1;
      const { transferId: transfer_id, ...details } = difference;
      if (shown.length < SHOWN_LIMIT) shown.push({ ...details, transfer_id, repaired });
    }
    const ok = Object.values(differences).every((count) => count === 0);
    await this.outbox.recordDurably(
      eventBy(who, 'payments.reconciled', { id: EVERY, changes: { ok, ...counts, differences } }),
    );
    return {
      ok,
      started_at: startedAt.toISOString(),
      finished_at: this.clock().toISOString(),
      ...counts,
      differences,
      shown,
    };
  }

  /** The transfer first: a record is committed before its transfer is requested, so an existing transfer has its record by now. */
  async #check(id: string): Promise<Difference | undefined> {
    const before = await this.#transfer(id);
    const kept = await this.store.ofTransfer(id);
    // A payment that was settled or held between the two reads had no transfer during the first.
    const transfer = before ?? (await this.#transfer(id));
    if (kept !== undefined && isUnderWay(kept, transfer, this.clock())) return undefined;
    return differenceOf(kept, transfer);
  }

  async #transfer(id: string): Promise<LedgerTransfer | undefined> {
    const found = await this.accounts.find(id);
    if (found !== undefined && 'unknown' in found) throw new NotAnswered(found.unknown);
    return found;
  }

  /** @returns how many records were repaired: none while it still differs, two for a refund whose payment was also missing */
  async #repair({ transferId, repair }: Difference, who: Caller | Unattended): Promise<number> {
    let records = 1;
    if (repair === 'adopt') records = await this.#adopt(transferId, who);
    if (repair === 'attend') {
      const kept = await this.store.ofTransfer(transferId);
      if (kept?.kind === 'payment') await this.recovery.recoverPayment(kept.payment);
      if (kept?.kind === 'refund') await this.recovery.recoverRefund(kept.refund);
    }
    return (await this.#check(transferId)) === undefined ? records : 0;
  }

  /** Recreates a payment or refund of which only the transfer is left. Its client got a notice before, so no other is sent. */
  async #adopt(transferId: string, who: Caller | Unattended): Promise<number> {
    const transfer = await this.#transfer(transferId);
    if (transfer === undefined) return 0;
    const now = this.clock();
    const event = (kind: 'payment' | 'refund', of: string, changes: object): ReturnType<ChangesStore['event']> =>
      this.changes.event(eventBy(who, `${kind}.adopted`, { id: of, changes: { transfer_id: transferId, ...changes } }));
    if (transfer.corrects === null) {
      const payment = paymentOf(transfer, this.clientId, now);
      if (payment === undefined) return 0;
      const { id, status, subject, clientId } = payment;
      await this.changes.commit([
        this.payments.insert(payment),
        event('payment', id, { status, subject, client_id: clientId }),
      ]);
      return 1;
    }
    let [original, count] = [await this.store.ofTransfer(transfer.corrects), 1];
    if (original === undefined) {
      count += await this.#adopt(transfer.corrects, who);
      original = await this.store.ofTransfer(transfer.corrects);
    }
    if (original?.kind !== 'payment') return 0;
    const adopted = refundOf(transfer, original.payment, this.clientId, now);
    if (adopted === undefined) return 0;
    await this.changes.commit([
      this.payments.update(original.payment, adopted.payment),
      this.refunds.insert(adopted.refund),
      event('refund', adopted.refund.id, { payment_id: original.payment.id, status: adopted.refund.status }),
    ]);
    return count;
  }
}
