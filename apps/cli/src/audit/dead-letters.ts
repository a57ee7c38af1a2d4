import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { printable, table } from '../output.js';
import { openSession, type Session } from '../session/session.js';
import { countOf } from '../pages.js';

const letterSchema = z.looseObject({
  position: z.string(),
  source: z.string().nullable(),
  sequence: z.string().nullable(),
  nats_subject: z.string(),
  reason: z.string(),
  payload: z.string(),
  received_at: z.string(),
  replayed_at: z.string().nullable(),
  erased_at: z.string().nullish(),
});
const pageSchema = z.object({ dead_letters: z.array(letterSchema) });
const replayedSchema = z.looseObject({ position: z.string(), log_index: z.string() });
type Letter = z.infer<typeof letterSchema>;

const PAGE = 200;

function positionOf(said: string): string {
  if (/^[1-9][0-9]{0,17}$/.test(said)) return said;
  throw new InvalidArgumentError('Must be a position as shown by `countersign audit dead-letters list`.');
}

async function read(session: Session, after: string, limit: number): Promise<readonly Letter[]> {
  const path = `/intake/dead-letters?after=${after}&limit=${String(limit)}`;
  const page = await session.call(pageSchema, { service: 'audit', scopes: ['audit:read'], path });
  return page.dead_letters;
}

const stateOf = ({ replayed_at: replayed, erased_at: erased }: Letter): string =>
  replayed !== null ? 'replayed' : typeof erased === 'string' ? 'erased' : 'kept';

async function list(
  { limit, after }: { readonly limit: number; readonly after: string },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const letters: Letter[] = [];
  for (let from = after; letters.length < limit;) {
    const wanted = Math.min(PAGE, limit - letters.length);
    const page = await read(session, from, wanted);
    letters.push(...page);
    if (page.length < wanted) break;
    from = page.at(-1)?.position ?? from;
  }
  const rows = letters.map((letter) => [
    letter.position,
    letter.received_at,
    letter.source ?? '',
    letter.sequence ?? '',
    stateOf(letter),
    letter.reason,
  ]);
  session.output.result(
    { ok: true, dead_letters: letters },
    table(['position', 'received', 'source', 'number', 'state', 'reason'], rows, 'There are no dead letters.'),
  );
  if (letters.length === limit) session.output.note(`there may be more: --after ${letters.at(-1)?.position ?? after}`);
}

async function show(position: string, _: object, command: Command): Promise<void> {
  const session = openSession(command);
  const [letter] = await read(session, String(BigInt(position) - 1n), 1);
  if (letter?.position !== position) {
    throw new CliError(
      ExitCode.refused,
      'DEAD_LETTER_UNKNOWN',
      `there is no dead letter ${position}`,
      'List them: countersign audit dead-letters list',
    );
  }
  const lines = [
    `position  ${letter.position}`,
    `received  ${letter.received_at}`,
    `from      ${letter.nats_subject}`,
    `number    ${letter.source === null || letter.sequence === null ? 'none that could be verified' : `${letter.sequence} of ${letter.source}`}`,
    `reason    ${letter.reason}`,
    `replayed  ${letter.replayed_at ?? 'no'}`,
    ...(typeof letter.erased_at === 'string' ? [`erased    ${letter.erased_at}`] : []),
  ];
  session.output.result({ ok: true, ...letter }, `${lines.map(printable).join('\n')}\n\n${printable(letter.payload)}`);
}

async function replay(position: string, _: object, command: Command): Promise<void> {
  const session = openSession(command);
  const request = {
    service: 'audit',
    scopes: ['audit:admin'],
    method: 'POST',
    path: `/intake/dead-letters/${position}/replay`,
  };
  const done = await session.call(replayedSchema, request);
  session.output.result({ ok: true, ...done }, `dead letter ${position} is in the log at index ${done.log_index}`);
}

/** `countersign audit dead-letters`: messages that the trail could not accept. */
export function register(audit: Command): void {
  const group = audit
    .command('dead-letters')
    .summary('list and replay messages that could not enter the trail')
    .description(
      'A message that is not a valid event keeps its place in its source’s sequence and waits here with the reason. Listing needs audit:read, ' +
        'replaying needs audit:admin (the local stack’s operator).',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign audit dead-letters list
  countersign audit dead-letters show 7
  countersign audit dead-letters replay 7`,
    );
  group
    .command('list')
    .description('list dead letters, oldest first, with their reasons')
    .option('--limit <count>', 'maximum number of dead letters', countOf(10_000), 50)
    .option('--after <position>', 'only those after this position', positionOf, '0')
    .action(list);
  group
    .command('show')
    .description('show one dead letter: its origin, why it was refused, and its content')
    .argument('<position>', 'the position shown by `list`', positionOf)
    .action(show);
  group
    .command('replay')
    .description(
      'process a dead letter again, for example after an update of audit that knows its format; it gets the next log index. Refusals: ' +
        'DEAD_LETTER_STILL_REFUSED (with the reason), DEAD_LETTER_REPLAYED, and SEQUENCE_TAKEN if another event has its number or id',
    )
    .argument('<position>', 'the position shown by `list`', positionOf)
    .action(replay);
}
