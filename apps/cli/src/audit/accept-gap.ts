import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { openSession } from '../session/session.js';

const answerSchema = z.object({ sources: z.array(z.looseObject({ source: z.string(), through: z.string() })) });

function numberOf(said: string): string {
  if (/^[1-9][0-9]{0,17}$/.test(said)) return said;
  throw new InvalidArgumentError(
    'Must be a sequence number of the source, as shown by `audit verify` or GET /intake/sources.',
  );
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

/** `countersign audit accept-gap`: numbers of a source that will never arrive. */
export function register(audit: Command): void {
  audit
    .command('accept-gap')
    .summary('permanently accept missing sequence numbers of a source')
    .description(
      'Accepts that these sequence numbers will never arrive: they no longer count as missing, so the next gap is noticed. The log records this with ' +
        'the reason, and `audit verify` takes it into account. An event that still arrives with one of these numbers becomes a dead letter.',
    )
    .argument('<source>', 'the service')
    .argument('<first>', 'the first missing number', numberOf)
    .argument('<last>', 'the last missing number', numberOf)
    .requiredOption('--reason <reason>', 'why; recorded in the trail')
    .addHelpText(
      'after',
      '\nExamples:\n  countersign audit accept-gap payments 812 815 --reason "lost with disk 3, INC-204"',
    )
    .action(run);
}
