// `npm run soak`: a given number of audit events through a stream of a given size, with what must not grow in the meantime.
import { whole, wordsFor } from '@countersign/stack';
import { Command } from 'commander';
import { runSoak } from './run-soak.js';
import { type SoakOptions, type SoakReport } from './soak.js';

const program = new Command('npm run soak --')
  .description(
    'Sends audit events from the outboxes of two services through the stream into the log, on a stack of real processes, and checks that every one is there once and that memory, stream, outboxes and latency stay as they are.',
  )
  .option('--events <n>', 'how many', whole(1_000, 1_000_000_000), 1_000_000)
  .option('--stream-mib <n>', 'maximum size of the stream in MiB', whole(1, 3_072), 64)
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false);

function described({ ok, events, seconds, eventsPerSecond, curves, wrong, rising }: SoakReport): string {
  const lines = Object.entries(curves).map(
    ([name, { unit, middle, last, max }]) =>
      `${name.padEnd(16)} ${String(middle).padStart(9)} in the middle, ${String(last).padStart(9)} at the end, ${String(max).padStart(9)} at most (${unit})`,
  );
  const head = `${String(events)} events in ${seconds.toFixed(1)} s, ${String(eventsPerSecond)} a second`;
  return [
    head,
    ...lines,
    ok
      ? 'Every event is in the log once, and nothing grew.'
      : ['BROKEN', ...wrong, ...rising.map((one) => `rises: ${one}`)].join('\n  '),
  ].join('\n');
}

const { json, ...options } = program.parse().opts<SoakOptions & { readonly json: boolean }>();
const out = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
try {
  const report = await runSoak(options, out);
  out(described(report));
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, events: options.events, error: wordsFor(error) })}\n`);
  process.exitCode = 1;
}
