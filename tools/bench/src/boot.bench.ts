import { freePort } from '@countersign/backing-services';
import { type Benchmark } from './benchmark.js';
import { bootedServices, startBootEnvironment, type BootedService } from './boot/services.js';
import { timeToReady } from './boot/time-to-ready.js';
import { warmStackStarts } from './boot/warm-stack.js';
import { pathOf } from './processes.js';
import { interleave } from './rounds.js';
import { median } from './statistics.js';

const STACK_STARTS = 3;

const benchmark: Benchmark = {
  description:
    'each service from spawn to its first 200 at /health/ready, its tables already migrated (PostgreSQL with fsync off), against a bare Nest + Fastify application to its first answer, all on one core; the ratio is the slowest service’s, since a stack is up when its last service is. Beside it npm start, all built and its folder there.',
  async run({ rounds, progress, measured }) {
    const barePort = await freePort();
    const bare = {
      program: pathOf('boot/bare-nest.js'),
      environment: { PORT: String(barePort) },
      readyUrl: `http://127.0.0.1:${String(barePort)}/ready`,
    };
    const environment = await startBootEnvironment();
    try {
      const times = await interleave<BootedService | 'bare'>(
        [
          { name: 'bare', round: () => timeToReady(bare) },
          ...bootedServices.map((name) => ({ name, round: () => timeToReady(environment.services[name]) })),
        ],
        {
          rounds,
          onRound: (round) => {
            progress(round < 0 ? 'warming up' : `round ${String(round + 1)} of ${String(rounds)}`);
          },
        },
      );
      measured('bare Nest + Fastify', times.bare, 'ms');
      for (const name of bootedServices) measured(name, times[name], 'ms');
      progress('npm start');
      measured('npm start, warm', median(await warmStackStarts(STACK_STARTS)) / 1_000, 's');
      const slowest = Math.max(...bootedServices.map((name) => times[name]));
      return [{ metric: 'boot.ratio_bare_nest', value: slowest / times.bare, goal: 1.5, better: 'lower' }];
    } finally {
      await environment.stop();
    }
  },
};
export default benchmark;
