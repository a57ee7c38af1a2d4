import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { openSession } from '../session/session.js';

const answerSchema = z.object({ sources: z.array(z.looseObject({ source: z.string(), through: z.string() })) });

function numberOf(said: string): string {
  if (/^[1-9][0-9]{0,17}$/.test(said)) return said;
  throw new InvalidArgumentError('A number of the source, as `audit verify` or /intake/sources names it.');
}

async function run(
  source: string,
  first: string,
  last: string,
  { reason }: { readonly reason: string },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const path = `/intake/sources/${encodeURIComponent(source)}/gaps/accept`;
  const body = { first, last, reason };
  const { sources } = await session.call(answerSchema, {
    service: 'audit',
    scopes: ['audit:admin'],
    method: 'POST',
    path,
    body,
  });
  session.output.result({ ok: true, sources }, `accepted; ${source} is complete through ${sources[0]?.through ?? '0'}`);
}

/** `countersign audit accept-gap`: numbers of a source that nothing will ever fill. */
export function register(audit: Command): void {
  audit
    .command('accept-gap')
    .summary('accept for good that numbers of a source are missing')
    .description(
      'Accepts that these numbers of a source will never come: they no longer count as missing, so the next gap is seen. It is said in the log, with\n' +
        'the reason, and `audit verify` knows it. What still comes under one of these numbers is a dead letter.',
    )
    .argument('<source>', 'the service')
    .argument('<first>', 'the first missing number', numberOf)
    .argument('<last>', 'the last missing number', numberOf)
    .requiredOption('--reason <reason>', 'why; it is recorded')
    .addHelpText(
      'after',
      '\nExamples:\n  countersign audit accept-gap payments 812 815 --reason "lost with disk 3, INC-204"',
    )
    .action(run);
}
