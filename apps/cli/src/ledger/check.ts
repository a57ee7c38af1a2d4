import { type Command } from 'commander';
import { z } from 'zod';
import { CheckFailed } from '../cli-error.js';
import { counted } from '../counted.js';
import { table } from '../output.js';
import { WHOLE_CHECK_MS } from '../session/long-answer.js';
import { openSession } from '../session/session.js';

const faultSchema = z.object({ where: z.string(), expected: z.string().nullable(), found: z.string().nullable() });
const answerSchema = z.object({
  ok: z.boolean(),
  checked_at: z.string(),
  accounts: z.number(),
  transfers: z.number(),
  entries: z.number(),
  invariants: z.array(
    z.object({
      name: z.string(),
      holds: z.string(),
      ok: z.boolean(),
      faults: z.number(),
      shown: z.array(faultSchema),
    }),
  ),
});
type Answer = z.infer<typeof answerSchema>;

/** The text for people: each invariant, and where it is violated. */
export function textOf(answer: Answer): string {
  const rows = answer.invariants.map(({ name, holds, ok, faults }) => [
    ok ? 'ok' : counted(faults, 'fault'),
    name,
    holds,
  ]);
  const faults = answer.invariants.flatMap(({ name, shown }) =>
    shown.map(({ where, expected, found }) => [name, where, expected ?? '', found ?? '']),
  );
  return [
    `${counted(answer.accounts, 'account')}, ${counted(answer.transfers, 'transfer')}, ${counted(answer.entries, 'entry', 'entries')}, as of ${answer.checked_at}`,
    '',
    table(['', 'invariant', 'what must hold'], rows),
    ...(faults.length === 0 ? [] : ['', table(['broken', 'where', 'expected', 'found'], faults)]),
  ].join('\n');
}

async function run(_options: object, command: Command): Promise<void> {
  const session = openSession(command);
  const answer = await session.call(answerSchema, {
    service: 'accounts',
    scopes: ['accounts:audit'],
    path: '/ledger/invariants',
    timeoutMs: WHOLE_CHECK_MS,
  });
  session.output.result(answer, textOf(answer));
  if (!answer.ok) throw new CheckFailed();
}

/** `countersign ledger check`: whether debits equal credits, and everything that follows from it. Exits with 1 if something does not hold. */
export function register(ledger: Command): void {
  ledger
    .command('check')
    .summary('check the ledger’s invariants')
    .description(
      'Asks accounts to check one snapshot of its database: sums per currency are zero, balances are the sums of their entries, ' +
        'available balances respect their limits, holds reserve their amounts, transfers moved their legs, ' +
        'and no owner has more than they received and may overdraw.\n' +
        'Needs the scope accounts:audit. Exits with 1 if an invariant does not hold.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign ledger check
  countersign ledger check --json`,
    )
    .action(run);
}
