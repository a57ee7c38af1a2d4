// `npm run faults`: payments under load on a stack of real processes, while these are killed, stopped and lose their data.
import { whole, wordsFor } from '@countersign/stack';
import { Command, Option } from 'commander';
import { faults } from './all-faults.js';
import { FaultRun, type FaultOptions, type Struck } from './run-faults.js';
import { signalsTable, writeSignalsTable } from './signals-table.js';

interface Options extends FaultOptions {
  readonly signals?: string;
  readonly json: boolean;
}

/** Maximum findings shown per fault; --json has all of them. */
const SHOWN_LIMIT = 10;

const program = new Command('npm run faults --')
  .description(
    'Starts a separate stack; kills, stops, wipes and floods its parts under load, rotates its keys, and checks after each that nothing was lost or doubled.',
  )
  .option('--rounds <n>', 'number of rounds; each runs every fault once', whole(1, 1_000), 1)
  .option(
    '--seed <n>',
    'seed for the times and the payments; printed, so that a run can be repeated',
    whole(0, 2 ** 31),
  )
  .option('--clients <n>', 'number of clients that pay at the same time', whole(1, 200), 8)
  .addOption(
    new Option('--only <faults...>', 'run only these faults, or those of a drill')
      .choices([...new Set(faults.flatMap(({ name, drill }) => (drill === undefined ? [name] : [drill, name])))])
      .default([]),
  )
  .addOption(
    new Option('--from <refs...>', 'the versions that `--only upgrade` begins with').default(
      [],
      'every released version',
    ),
  )
  .option('--signals <page>', 'write the table of signals, fault by fault, into this Markdown file')
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false);

function described({
  fault,
  payments,
  retries,
  left,
  underWay,
  transfers,
  events,
  counts: own,
  wrong,
  seconds,
}: Struck): string {
  const counts = [
    `${String(payments)} payments`,
    `${String(retries)} retries`,
    `${String(left)} clients gone, ${String(underWay)} of their payments in progress`,
    `${String(transfers)} transfers`,
    `${String(events)} events verified`,
    ...Object.entries(own).map(([what, count]) => `${what} ${String(count)}`),
  ];
  const more = wrong.length > SHOWN_LIMIT ? [`and ${String(wrong.length - SHOWN_LIMIT)} more`] : [];
  const verdict = wrong.length === 0 ? 'held' : ['BROKEN', ...wrong.slice(0, SHOWN_LIMIT), ...more].join('\n  ');
  return `${fault.padEnd(20)} ${counts.join(', ')}, ${seconds.toFixed(1)} s: ${verdict}`;
}

async function run({ signals, json, ...options }: Options): Promise<boolean> {
  const out = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  out(`seed ${String(options.seed)}, ${String(options.clients)} clients`);
  const struck = await new FaultRun(options, out, (one) => {
    out(described(one));
  }).run();
  const wrong = struck.flatMap((one) => one.wrong);
  const first = struck.filter(({ round }) => round === 1);
  out(`\nSignals within five seconds:\n\n${signalsTable(first)}\n`);
  if (signals !== undefined) writeSignalsTable(signals, first);
  const ok = wrong.length === 0;
  if (json) process.stdout.write(`${JSON.stringify({ ok, seed: options.seed, struck })}\n`);
  else out(ok ? 'Nothing was lost or doubled.' : `${String(wrong.length)} faults.`);
  return ok;
}

const { seed = Date.now() % 2 ** 31, ...given } = program.parse().opts<Omit<Options, 'seed'> & { seed?: number }>();
try {
  process.exitCode = (await run({ ...given, seed })) ? 0 : 1;
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  if (given.json) process.stdout.write(`${JSON.stringify({ ok: false, seed, error: wordsFor(error) })}\n`);
  process.exitCode = 1;
}
