import { setTimeout as delay } from 'node:timers/promises';
import { type Command } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { WHOLE_CHECK_MS } from '../session/long-answer.js';
import { openSession, type Session } from '../session/session.js';
import { countOf } from '../pages.js';

const spans = z.array(z.object({ first: z.string(), last: z.string() }));
const reportSchema = z.object({
  state: z.enum(['checking', 'current', 'restored']),
  next_index: z.string(),
  end_index: z.string(),
  found: z.number(),
  missing: spans,
  lost: spans.optional(),
});
type Report = z.infer<typeof reportSchema>;

/** Milliseconds between two checks of what has been recovered. */
const CHECK_EVERY_MS = 1_000;
/** Checks without anything new after which all services are asked again. */
const ASK_AGAIN_AFTER = 10;

interface RecoverOptions {
  readonly wait: number;
  readonly acceptLoss: boolean;
}

const call = (session: Session, path: string, body?: object): Promise<Report> =>
  session.call(reportSchema, {
    service: 'audit',
    scopes: ['audit:admin'],
    path,
    // Everything lost is restored in one go.
    timeoutMs: WHOLE_CHECK_MS,
    ...(body === undefined ? {} : { method: 'POST', body }),
  });

const named = (ranges: Report['missing']): string =>
  ranges.map(({ first, last }) => (first === last ? first : `${first} to ${last}`)).join(', ');

/** Waits until everything has come back, or nothing has for the given number of seconds. */
async function collect(session: Session, seconds: number): Promise<Report> {
  let report = await call(session, '/log/recovery/recall', {});
  for (let idle = 0; report.missing.length > 0 && idle * CHECK_EVERY_MS < seconds * 1_000;) {
    await delay(CHECK_EVERY_MS);
    const now = await call(session, '/log/recovery');
    idle = now.found > report.found ? 0 : idle + 1;
    report = now;
    if (idle > 0 && idle % ASK_AGAIN_AFTER === 0) report = await call(session, '/log/recovery/recall', {});
  }
  return report;
}

async function run({ wait, acceptLoss }: RecoverOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const { output } = session;
  const before = await call(session, '/log/recovery');
  if (before.state === 'checking') {
    throw new CliError(
      ExitCode.unreachable,
      'LOG_BEING_CHECKED',
      'the log is still being compared with outside evidence',
      'Run this again in a moment.',
    );
  }
  if (before.state === 'current') {
    output.result({ ok: true, ...before }, `nothing is lost: the log has all ${before.next_index} entries`);
    return;
  }
  output.note(
    `the log has ${before.next_index} entries and once had ${before.end_index}; asking the services for the rest`,
  );
  const report = await collect(session, wait);
  if (report.missing.length > 0 && !acceptLoss) {
    throw new CliError(
      ExitCode.refused,
      'RECOVERY_INCOMPLETE',
      `no service sent the entries ${named(report.missing)}`,
      'Start every service whose outbox may have them and run this again; --accept-loss permanently declares them lost in the log.',
    );
  }
  const done = await call(session, '/log/recovery', { accept_loss: acceptLoss });
  const lost = done.lost ?? [];
  output.result(
    { ok: true, ...done },
    `${String(done.found)} entries are restored${lost.length === 0 ? '; old checkpoints verify again' : `; declared lost: ${named(lost)}`}`,
  );
}

/** `countersign audit recover`: recovers what the log lost when its database was restored from a backup. */
export function register(audit: Command): void {
  audit
    .command('recover')
    .summary('recover the events that a restored log has lost')
    .description(
      'After audit’s database was restored from a backup: asks every service for the events that it still keeps (OUTBOX_KEEP_HOURS), and restores them ' +
        'to their log indices, so that earlier checkpoints verify again. Until then audit signs nothing and ' +
        'accepts no events; they wait in the services’ outboxes.',
    )
    .option('--wait <seconds>', 'stop waiting after this many seconds without new events', countOf(86_400), 30)
    .option('--accept-loss', 'declare entries that no service still has as lost, and continue', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign audit recover
  countersign audit recover --wait 300`,
    )
    .action(run);
}
