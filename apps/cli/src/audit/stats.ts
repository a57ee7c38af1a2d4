import { type Command } from 'commander';
import { z } from 'zod';
import { table } from '../output.js';
import { openSession } from '../session/session.js';

const statisticsSchema = z.looseObject({
  events: z.string(),
  indexed: z.string(),
  sources: z.array(z.looseObject({ source: z.string(), through: z.string(), advanced_at: z.string() })),
  counted: z.string(),
  outcomes: z.record(z.string(), z.string()),
});

async function run(_: object, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const statistics = await session.call(statisticsSchema, {
    service: 'audit',
    scopes: ['audit:read'],
    path: '/events/stats',
  });
  const { events, indexed, counted, sources, outcomes } = statistics;
  const of = counted === events ? '' : ` (of ${counted} events)`;
  output.result(
    { ok: true, ...statistics },
    [
      `events   ${events}, of which ${indexed} are in the search index`,
      `outcomes ${Object.entries(outcomes)
        .map(([outcome, count]) => `${outcome} ${count}`)
        .join(', ')}${of}`,
      '',
      table(
        ['source', 'whole through', 'last news'],
        sources.map(({ source, through, advanced_at }) => [source, through, advanced_at]),
        'no source has sent an event yet',
      ),
    ].join('\n'),
  );
}

/** `countersign audit stats`: counts of events. */
export function register(audit: Command): void {
  audit
    .command('stats')
    .summary('count events by source and outcome')
    .description('Counts events, and shows for each source the sequence number up to which nothing is missing.')
    .addHelpText(
      'after',
      `
Examples:
  countersign audit stats --json`,
    )
    .action(run);
}
