import { type Command } from 'commander';
import { z } from 'zod';
import { CheckFailed } from '../cli-error.js';
import { counted } from '../counted.js';
import { table } from '../output.js';
import { WHOLE_CHECK_MS } from '../session/long-answer.js';
import { openSession } from '../session/session.js';
import { noteTimes, timeOption } from '../time.js';

const optionsSchema = z.object({ since: z.string().optional(), repair: z.boolean().default(false) });

const reportSchema = z.object({
  ok: z.boolean(),
  started_at: z.string(),
  finished_at: z.string(),
  payments: z.number(),
  refunds: z.number(),
  transfers: z.number(),
  differences: z.record(z.string(), z.number()),
  repaired: z.number(),
  shown: z.array(
    z.object({
      code: z.string(),
      resource: z.string(),
      transfer_id: z.string(),
      kept: z.string(),
      found: z.string(),
      repair: z.string().nullable(),
      repaired: z.boolean(),
    }),
  ),
});
type Report = z.infer<typeof reportSchema>;

/** The text for people: how much was compared, and each difference with what to do about it. */
export function textOf(report: Report): string {
  const { payments, refunds, transfers, repaired, started_at } = report;
  const left = Object.values(report.differences).reduce((sum, count) => sum + count, 0);
  const rows = report.shown.map(({ code, resource, kept, found, repair, repaired: done }) => [
    code,
    resource,
    kept,
    found,
    done ? 'repaired' : repair === null ? 'needs manual repair' : 'with --repair',
  ]);
  const more = left + repaired - rows.length;
  return [
    `${counted(payments, 'payment')}, ${counted(refunds, 'refund')}, ${counted(transfers, 'transfer')}, as of ${started_at}: ` +
      `${report.ok ? 'they agree' : counted(left, 'differs', 'differ')}${repaired === 0 ? '' : `, ${String(repaired)} repaired`}`,
    ...(rows.length === 0 ? [] : ['', table(['difference', 'where', 'payments has', 'accounts has', ''], rows)]),
    ...(more > 0 ? ['', `and ${String(more)} more`] : []),
  ].join('\n');
}

async function run(_options: object, command: Command): Promise<void> {
  const { since, repair } = optionsSchema.parse(command.opts());
  const session = openSession(command);
  noteTimes(command, session.output);
  const report = await session.call(reportSchema, {
    service: 'payments',
    scopes: ['payments:reconcile'],
    method: 'POST',
    path: '/reconciliation',
    body: { repair, ...(since === undefined ? {} : { since }) },
    timeoutMs: WHOLE_CHECK_MS,
  });
  session.output.result(report, textOf(report));
  if (!report.ok) throw new CheckFailed();
}

/** `countersign payments reconcile`: whether payments and the ledger agree. Exits with 1 if they do not. */
export function register(payments: Command): void {
  payments
    .command('reconcile')
    .summary('compare payments and refunds with their transfers')
    .description(
      'Asks payments to compare its payments and refunds with its transfers at accounts, in both directions. ' +
        'Needs the scope payments:reconcile. Exits with 1 if anything differs.',
    )
    .addOption(timeOption('--since <time>', 'only what was created at or after this time'))
    .option('--repair', 'repair the differences that can be repaired', false)
    .addHelpText(
      'after',
      `
Differences:
  TRANSFER_MISSING  payments says that money moved or is held; accounts has no transfer
  TRANSFER_DIFFERS  the state, the amount or the accounts differ
  RECORD_BEHIND     a payment is behind its transfer; --repair updates it
  RECORD_MISSING    a transfer has no payment or refund; --repair recreates it

Examples:
  countersign payments reconcile
  countersign payments reconcile --repair --json`,
    )
    .action(run);
}
