import { hostileCases, hostileToken } from '@countersign/auth-core/corpus';
import { type Benchmark, type BenchmarkContext, type Metric } from './benchmark.js';
import { interleave } from './rounds.js';
import { contestants, countersign, fastJwt, otherIssuer } from './verify/contestants.js';
import { cpuTimeOf } from './verify/cpu-time.js';
import {
  algorithms,
  audience,
  issuer,
  keycloakClaimsOf,
  sampleTokens,
  type BenchAlgorithm,
} from './verify/sample-tokens.js';

const SAMPLE = 1_000;
const BATCH = 100;
/** Short rounds, and many: what else the machine does then meets each contestant alike. */
const ROUNDS_EACH = 7;
const goals: Readonly<Record<BenchAlgorithm, number>> = { ES256: 1.1, RS256: 1.2, EdDSA: 1.08 };
/** Other issuers' tokens are longer, and hold names that only the whole parser knows. */
const otherGoals: Readonly<Record<BenchAlgorithm, number>> = { ES256: 1.15, RS256: 1.25, EdDSA: 1.1 };

async function firstSeen(algorithm: BenchAlgorithm, context: BenchmarkContext): Promise<readonly Metric[]> {
  context.progress(`first-seen ${algorithm} tokens`);
  const candidates = await contestants(await sampleTokens(algorithm, SAMPLE), BATCH);
  const times: Readonly<Partial<Record<string, number>>> = await interleave(candidates, {
    rounds: context.rounds * ROUNDS_EACH,
    warmup: 10,
  });
  const { floor = Number.NaN, countersign: ours = Number.NaN } = times;
  for (const [name, time = Number.NaN] of Object.entries(times)) {
    context.measured(`${algorithm} ${name}`, time, `µs of CPU per token, ${(time / floor).toFixed(2)} times the floor`);
  }
  const peers = Object.entries(times).filter(([name]) => name !== 'floor' && name !== 'countersign');
  const fastest = Math.min(...peers.map(([, time = Number.NaN]) => time));
  const name = algorithm.toLowerCase();
  return [
    { metric: `verify.first_seen.${name}.ratio_floor`, value: ours / floor, goal: goals[algorithm], better: 'lower' },
    { metric: `verify.first_seen.${name}.ratio_fastest_peer`, value: ours / fastest, goal: 1, better: 'lower' },
  ];
}

async function ofKeycloak(algorithm: BenchAlgorithm, context: BenchmarkContext): Promise<Metric> {
  context.progress(`first-seen ${algorithm} tokens of Keycloak`);
  const sample = await sampleTokens(algorithm, SAMPLE, { claims: keycloakClaimsOf, typ: 'JWT' });
  const rounds = { rounds: context.rounds * ROUNDS_EACH, warmup: 10 };
  const times = await interleave(await otherIssuer(sample, BATCH, 'keycloak'), rounds);
  context.measured(`${algorithm} countersign, of Keycloak`, times.countersign, 'µs of CPU per token');
  const metric = `verify.first_seen.${algorithm.toLowerCase()}.keycloak.ratio_floor`;
  return { metric, value: times.countersign / times.floor, goal: otherGoals[algorithm], better: 'lower' };
}

async function repeated(context: BenchmarkContext): Promise<readonly Metric[]> {
  context.progress('repeated ES256 tokens');
  const sample = await sampleTokens('ES256', 500);
  const ours = await countersign(sample, SAMPLE);
  const fast = fastJwt(sample, SAMPLE);
  // Long enough that what the runtime compiles and collects beside it does not decide the figure.
  const repeats = 200;
  const round = (verify: (token: string) => unknown) => () =>
    cpuTimeOf(sample.tokens.length * repeats, () => {
      for (let repeat = 0; repeat < repeats; repeat += 1) for (const token of sample.tokens) verify(token);
    });
  const times = await interleave(
    [
      { name: 'countersign', round: round((token) => ours.verify(token)) },
      { name: 'fast-jwt', round: round(fast) },
    ],
    { rounds: context.rounds * 3, warmup: 5 },
  );
  ours.close();
  context.measured('repeated countersign', times.countersign, 'µs of CPU per token');
  context.measured('repeated fast-jwt, cached', times['fast-jwt'], 'µs of CPU per token');
  const value = times.countersign / times['fast-jwt'];
  return [{ metric: 'verify.repeat.ratio_fast_jwt_cached', value, goal: 0.1, better: 'lower' }];
}

/** Each bad token of the corpus, to find the slowest; against valid tokens that are first seen, in the same rounds. */
async function bad(context: BenchmarkContext): Promise<readonly Metric[]> {
  context.progress('invalid tokens');
  const sample = await sampleTokens('ES256', SAMPLE);
  const now = Math.floor(Date.now() / 1_000);
  const place = { issuer, audience, key: sample.key, now, listener: 'http://127.0.0.1:9' };
  const cases = hostileCases().map((one) => ({ name: one.file, token: hostileToken(one, place) }));
  const ours = await countersign(sample, 0);
  const repeats = 20;
  const round = (look: (index: number) => unknown) => () =>
    cpuTimeOf(repeats, () => {
      for (let index = 0; index < repeats; index += 1) {
        try {
          look(index);
        } catch {
          // What is measured is how long the refusal takes.
        }
      }
    });
  const times: Readonly<Record<string, number>> = await interleave(
    [
      { name: 'good', round: round((index) => ours.verify(sample.tokens[index] ?? '')) },
      ...cases.map(({ name, token }) => ({ name, round: round(() => ours.verify(token)) })),
    ],
    { rounds: context.rounds * 3, warmup: 5 },
  );
  ours.close();
  const { good = Number.NaN, ...refusals } = times;
  const [[slowest, time] = ['none', Number.NaN]] = Object.entries(refusals).sort(([, one], [, other]) => other - one);
  context.measured('valid token, nothing kept', good, 'µs of CPU per token');
  context.measured(`slowest bad token: ${slowest}`, time, 'µs of CPU per token');
  return [{ metric: 'verify.bad.ratio_good', value: time / good, goal: 3, better: 'lower' }];
}

const benchmark: Benchmark = {
  description: 'tokens verified, against bare node:crypto and against fast-jwt, jsonwebtoken, aws-jwt-verify and jose',
  async run(context) {
    const metrics: Metric[] = [];
    for (const algorithm of algorithms) metrics.push(...(await firstSeen(algorithm, context)));
    for (const algorithm of algorithms) metrics.push(await ofKeycloak(algorithm, context));
    metrics.push(...(await repeated(context)));
    metrics.push(...(await bad(context)));
    return metrics;
  },
};

export default benchmark;
