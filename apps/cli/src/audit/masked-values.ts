import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { counted } from '../counted.js';
import { table } from '../output.js';
import { openSession } from '../session/session.js';

const revealedSchema = z.looseObject({
  event_id: z.string(),
  values: z.array(z.looseObject({ path: z.string(), value: z.unknown(), salt: z.string() })),
});
const erasedSchema = z.looseObject({ erased: z.number() });

interface EraseOptions {
  readonly event?: string;
  readonly subject?: string;
  readonly reason: string;
  readonly yes: boolean;
}

function eventId(said: string): string {
  if (z.uuid().safeParse(said).success) return said;
  throw new InvalidArgumentError('Must be an event id, as shown by `countersign audit search --json`.');
}

async function reveal(id: string, { reason }: { readonly reason: string }, command: Command): Promise<void> {
  const session = openSession(command);
  const revealed = await session.call(revealedSchema, {
    service: 'audit',
    scopes: ['audit:reveal'],
    method: 'POST',
    path: `/events/${id}/reveal`,
    body: { reason },
  });
  const rows = revealed.values.map(({ path, value }) => [path, JSON.stringify(value)]);
  session.output.result(
    { ok: true, ...revealed },
    table(['field', 'value'], rows, 'This event has no masked values, or they were erased.'),
  );
}

async function erase({ event, subject, reason, yes }: EraseOptions, command: Command): Promise<void> {
  if ((event === undefined) === (subject === undefined)) {
    throw new CliError(ExitCode.usage, 'USAGE', 'specify whose values to erase: --event or --subject');
  }
  const whose = event === undefined ? `the subject ${subject ?? ''}` : `the event ${event}`;
  if (!yes) {
    throw new CliError(
      ExitCode.usage,
      'NOT_CONFIRMED',
      `the masked values of ${whose} would be erased permanently`,
      'Add --yes to erase them.',
    );
  }
  const session = openSession(command);
  const done = await session.call(erasedSchema, {
    service: 'audit',
    scopes: ['audit:erase'],
    method: 'POST',
    path: '/events/erase',
    body: { reason, ...(event === undefined ? { subject } : { event }) },
  });
  session.output.result({ ok: true, ...done }, `${counted(done.erased, 'value')} of ${whose} erased`);
}

const reasonOption = (): Option =>
  new Option('--reason <text>', 'why; recorded in the trail first').makeOptionMandatory();

/** `countersign audit reveal` and `erase`: personal data, of which the log contains only commitments. */
export function register(audit: Command): void {
  audit
    .command('reveal')
    .summary('show the masked values of one event')
    .description(
      'Shows personal data of an event that the log holds only as commitments (MASKED_FIELDS of audit). Needs audit:reveal, which ordinary readers of ' +
        'the trail do not have; on the local stack the privacy-officer has it. Each use is recorded in the trail with its reason.',
    )
    .argument('<event-id>', 'the event, by its id', eventId)
    .addOption(reasonOption())
    .addHelpText(
      'after',
      `
Examples:
  countersign audit search --limit 1 --json | jq -r '.events[0].event.id'
  countersign audit reveal 0199b3c4-0000-7000-8000-000000000001 --reason 'complaint 17'`,
    )
    .action(reveal);
  audit
    .command('erase')
    .summary('permanently erase the masked values of one event or one subject')
    .description(
      'Permanently erases personal data; the log keeps its commitments, so earlier exports still verify. Needs audit:erase (on ' +
        'the local stack the privacy-officer). Dead letters are erased too. Copies in backups of the database, and at the services that recorded ' +
        'the events (OUTBOX_KEEP_HOURS), disappear as these expire.',
    )
    .option('--event <id>', 'erase the values of this event', eventId)
    .option('--subject <id>', 'erase the values of all events of this subject')
    .addOption(reasonOption())
    .option('--yes', 'really erase', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign audit erase --subject ada --reason 'request of 2026-11-20' --yes`,
    )
    .action(erase);
}
