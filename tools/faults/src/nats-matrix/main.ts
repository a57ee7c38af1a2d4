// `npm run nats-matrix`: every service's NATS credentials against every other's subjects, on a separate server.
import { wordsFor } from '@countersign/stack';
import { Command, Option } from 'commander';
import { natsServices, type NatsService } from '@countersign/backing-services';
import { Lab } from './lab.js';
import { playMatrix, tableOf } from './matrix.js';
import { walls, type Walls } from './walls.js';

interface Options {
  readonly only: readonly NatsService[];
  readonly walls: Walls;
  readonly json: boolean;
}

const program = new Command('npm run nats-matrix --')
  .description(
    "Plays each service's NATS credentials against every other's subjects, in every way that JetStream has to publish, and prints what was reached. Uses the nats-server on the PATH, or the one that npm start uses.",
  )
  .addOption(new Option('--only <services...>', 'these credentials only').choices(natsServices).default(natsServices))
  .addOption(
    new Option('--walls <which>', 'both walls as they are, or one of them by itself')
      .choices(Object.keys(walls))
      .default('both'),
  )
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false);

async function run({ only, walls: which, json }: Options): Promise<boolean> {
  const out = (text: string): void => void (json ? process.stderr : process.stdout).write(text);
  const lab = await Lab.start(which);
  process.once('SIGINT', () => void lab.stop().finally(() => process.exit(130)));
  try {
    const cells = await playMatrix(lab, only);
    const reached = cells.filter((cell) => cell.reached);
    const ok = reached.length === 0;
    out(`${tableOf(cells)}\n\n`);
    if (json) process.stdout.write(`${JSON.stringify({ ok, tried: cells.length, reached })}\n`);
    else out(`${String(cells.length)} tried, ${ok ? 'nothing reached.' : `${String(reached.length)} REACHED.`}\n`);
    return ok;
  } finally {
    await lab.stop();
  }
}

const options = program.parse().opts<Options>();
try {
  process.exitCode = (await run(options)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: false, error: wordsFor(error) })}\n`);
  process.exitCode = 1;
}
