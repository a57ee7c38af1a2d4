import { OUTBOX_COUNT_LIMIT, type AuditOutbox, type Relay, type WaitingEvents } from '@countersign/audit-client';
import { Gauge, type Registry } from 'prom-client';
import { type Background } from '../background.service.js';
import { type HealthRegistry } from '../health/health.js';
import { sourceReportOf } from './source-report.js';

/** Milliseconds between two checks of the outbox. */
const CHECK_EVERY_MS = 2_000;
/** Milliseconds between two reports to audit. */
const REPORT_EVERY_MS = 5_000;

export interface OutboxSignals {
  readonly outbox: Pick<AuditOutbox, 'waiting'>;
  readonly relay: Relay;
  readonly background: Background;
  readonly health: HealthRegistry;
  readonly metrics: Registry;
  readonly clock: () => Date;
}

/**
 * Shows an operator when the trail falls behind: how many events wait, how old the oldest is, whether the relay has NATS. Checked on a separate
 * timer, independent of the relay; a scrape returns the last result without waiting. The age keeps growing while the check fails. The same is
 * reported to audit, which shows it for all services in one place.
 */
export function watchOutbox({ outbox, relay, background, health, metrics, clock }: OutboxSignals): void {
  let last: WaitingEvents = { pending: 0, oldestAt: undefined };
  const oldestSeconds = (): number =>
    last.oldestAt === undefined ? 0 : Math.max(0, (clock().getTime() - last.oldestAt.getTime()) / 1_000);
  background.repeat({
    name: 'audit_outbox',
    everyMs: CHECK_EVERY_MS,
    run: async () => {
      last = await outbox.waiting();
      return undefined;
    },
  });
  health.addNote('audit_relay', () => ({
    ...relay.state(),
    pending: last.pending,
    oldest_seconds: Math.round(oldestSeconds()),
  }));
  background.repeat({
    name: 'audit_report',
    everyMs: REPORT_EVERY_MS,
    run: async () => {
      relay.report(sourceReportOf(await health.report()));
      return undefined;
    },
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect(): void {
        this.set(read());
      },
    });
  };
  gauge(
    'audit_outbox_pending',
    `Audit events in the outbox waiting for audit's receipt, counted up to ${String(OUTBOX_COUNT_LIMIT)}.`,
    () => last.pending,
  );
  gauge('audit_outbox_oldest_seconds', 'Age of the oldest audit event in the outbox; 0 if it is empty.', oldestSeconds);
  gauge('audit_relay_connected', '1 while the relay is connected to NATS, else 0.', () =>
    relay.state().connected ? 1 : 0,
  );
}
