import { type Benchmark } from './benchmark.js';
import { bareApplication, bareForms, type BareForm } from './boot/bare.js';
import { bootedServices, startBootEnvironment, type BootedService } from './boot/services.js';
import { timeToReady } from './boot/time-to-ready.js';
import { warmStackStarts } from './boot/warm-stack.js';
import { interleave } from './rounds.js';
import { median } from './statistics.js';

const STACK_STARTS = 3;

const benchmark: Benchmark = {
  description:
    'each service from spawn to its first 200 at /health/ready, its tables already migrated (PostgreSQL with fsync off), against a bare Nest + Fastify application to its first answer, all on one core; the ratio is the slowest service’s, since a stack is up when its last service is. The services are bundled, have what Node keeps compiled, and map their stack traces; stated beside it is the ratio to a bare application that is bundled and kept compiled too. And npm start, all built and its folder there.',
  async run({ rounds, progress, measured }) {
    const bare = await bareApplication();
    const environment = await startBootEnvironment();
    try {
      const times = await interleave<BootedService | BareForm>(
        [
          ...bareForms.map((name) => ({ name, round: () => timeToReady(bare.forms[name]) })),
          ...bootedServices.map((name) => ({ name, round: () => timeToReady(environment.services[name]) })),
        ],
        {
          rounds,
          onRound: (round) => {
            progress(round < 0 ? 'warming up' : `round ${String(round + 1)} of ${String(rounds)}`);
          },
        },
      );
      for (const name of bareForms) measured(`Nest + Fastify, ${name}`, times[name], 'ms');
      for (const name of bootedServices) measured(name, times[name], 'ms');
      progress('npm start');
      measured('npm start, warm', median(await warmStackStarts(STACK_STARTS)) / 1_000, 's');
      const slowest = Math.max(...bootedServices.map((name) => times[name]));
      return [
        { metric: 'boot.ratio_bare_nest', value: slowest / times.bare, goal: 1.5, better: 'lower' },
        { metric: 'boot.ratio_bare_nest_alike', value: slowest / times['bare, compiled and bundled'], better: 'lower' },
      ];
    } finally {
      await environment.stop();
      bare.stop();
    }
  },
};
export default benchmark;
