import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, succeeds, type Neighbour } from './neighbour.js';

/** A way to make a message appear under a subject, whether or not one may publish there. */
export interface Way {
  readonly name: string;
  hit(neighbour: Neighbour, subjects: readonly string[]): Promise<void>;
}

/** What a forger sends: a revocation that would refuse for long if it were trusted, and an empty message, which makes JetStream delete. */
const payloads = ['{"until":4102444800,"forged":true}', ''] as const;

const bucket = 'KV_revocations';
const trail = 'AUDIT';
/** Streams whose content may be made to flow: one's own, and everybody's that one can name. */
const origins = ['FORGED', bucket, trail] as const;

const mine = ({ service }: Neighbour, stream: (typeof origins)[number]): string =>
  ({ FORGED: `forged.${service}`, [bucket]: '$KV.revocations.key.mine', [trail]: `audit.${service}.mine` })[stream];

const direct: Way = {
  name: 'publish',
  async hit({ connection }, subjects) {
    for (const subject of subjects) for (const payload of payloads) connection.publish(subject, payload);
    await connection.flush();
  },
};

/** The server checks the subject of a request, and answers wherever the request says. */
const reply: Way = {
  name: 'reply subject',
  async hit({ service, connection }, subjects) {
    const carriers: (readonly [string, object])[] = [
      [`audit.${service}.carrier`, { forged: true }],
      ['revocations.get', { seq: 1, next_by_subj: '$KV.revocations.>' }],
      [`$JS.API.CONSUMER.MSG.NEXT.${trail}.audit-log`, { batch: 1, expires: 1_000_000_000 }],
      ['$JS.API.INFO', {}],
      ['$JS.API.STREAM.NAMES', {}],
      ...origins.flatMap((stream): (readonly [string, object])[] => [
        [`$JS.API.STREAM.INFO.${stream}`, {}],
        [`$JS.API.STREAM.MSG.GET.${stream}`, { seq: 1 }],
        [`$JS.API.DIRECT.GET.${stream}`, { seq: 1 }],
      ]),
    ];
    for (const subject of subjects)
      for (const [carrier, body] of carriers) connection.publish(carrier, JSON.stringify(body), { reply: subject });
    await connection.flush();
  },
};

/**
 * Creates its own stream with messages in it, wherever its permissions still allow one.
 * @param republishTo where the server is to publish what the stream takes
 */
async function withOwnStream(
  neighbour: Neighbour,
  republishTo: string | undefined,
  work: () => Promise<void>,
): Promise<void> {
  for (const subject of [mine(neighbour, 'FORGED'), 'audit-dead-letters.forged']) {
    const settings = { name: 'FORGED', subjects: [subject], storage: 'file', retention: 'limits' };
    const more = republishTo === undefined ? {} : { republish: { src: subject, dest: republishTo } };
    if (!(await succeeds(neighbour, '$JS.API.STREAM.CREATE.FORGED', { ...settings, ...more }))) continue;
    let filled = true;
    for (const payload of payloads) filled &&= await succeeds(neighbour, subject, payload);
    if (filled) await work();
    await ask(neighbour, '$JS.API.STREAM.DELETE.FORGED', '');
    if (filled) return;
  }
  await work();
}

/** The streams of others, as one would declare them. */
const declared = [
  {
    name: bucket,
    subjects: ['$KV.revocations.>'],
    allow_rollup_hdrs: true,
    allow_direct: true,
    max_msgs_per_subject: 1,
  },
  { name: trail, subjects: ['audit.>'] },
] as const;

/** Changes others' streams, or makes them first. */
async function redeclare(neighbour: Neighbour, more: (stream: typeof bucket | typeof trail) => object): Promise<void> {
  const attempts = declared.flatMap((settings) =>
    ['CREATE', 'UPDATE'].map((verb) => ({ verb, settings: { ...settings, storage: 'file', ...more(settings.name) } })),
  );
  for (const { verb, settings } of attempts) await ask(neighbour, `$JS.API.STREAM.${verb}.${settings.name}`, settings);
}

/** A stream publishes what it takes under any subject of its account. */
const republish: Way = {
  name: 'republish',
  async hit(neighbour, subjects) {
    for (const subject of subjects) {
      await withOwnStream(neighbour, subject, () => Promise.resolve());
      await redeclare(neighbour, (stream) => ({ republish: { src: mine(neighbour, stream), dest: subject } }));
      for (const stream of [bucket, trail] as const)
        neighbour.connection.publish(mine(neighbour, stream), JSON.stringify({ forged: true }));
      await neighbour.connection.flush();
    }
  },
};

/** Milliseconds in which a server fills a copy, which it does after it has answered. */
const COPYING_MS = 200;
const COPIES_AT_ONCE = 30;

/** A copy is fed by a consumer at its origin, which delivers under any prefix; and it is one's own to read. */
function copying(name: 'mirror' | 'source'): Way {
  const from = (origin: string, external: object): object => {
    const one = { name: origin, ...external };
    return name === 'mirror' ? { mirror: one } : { sources: [one] };
  };
  return {
    name,
    hit: (neighbour, subjects) =>
      withOwnStream(neighbour, undefined, async () => {
        await redeclare(neighbour, () => from('FORGED', {}));
        const copies = subjects.flatMap((subject) =>
          origins.flatMap((origin) =>
            [undefined, 'revocations', `audit.${neighbour.service}`].map((api) => ({
              copy: `COPY${randomUUID().slice(0, 8)}`,
              subject,
              feed: from(origin, api === undefined ? {} : { external: { api, deliver: subject } }),
            })),
          ),
        );
        for (let at = 0; at < copies.length; at += COPIES_AT_ONCE) {
          const some = copies.slice(at, at + COPIES_AT_ONCE);
          const made = await Promise.all(
            some.map(async ({ copy, subject, feed }) => {
              const settings = { name: copy, storage: 'file', ...feed };
              if (!(await succeeds(neighbour, `$JS.API.STREAM.CREATE.${copy}`, settings))) return false;
              const config = { deliver_subject: subject, deliver_policy: 'all', ack_policy: 'none' };
              return succeeds(neighbour, `$JS.API.CONSUMER.CREATE.${copy}`, { stream_name: copy, config });
            }),
          );
          if (made.includes(true)) await delay(COPYING_MS);
          await Promise.all(some.map(({ copy }) => ask(neighbour, `$JS.API.STREAM.DELETE.${copy}`, '')));
        }
      }),
  };
}

/** A push consumer publishes what is stored under any subject of its account. */
const deliver: Way = {
  name: 'deliver subject',
  hit: (neighbour, subjects) =>
    withOwnStream(neighbour, undefined, async () => {
      const attempts = subjects.flatMap((subject) =>
        origins.flatMap((stream) => {
          const name = `forged-${randomUUID().slice(0, 8)}`;
          const config = { deliver_subject: subject, deliver_policy: 'all', ack_policy: 'none' };
          const create = '$JS.API.CONSUMER';
          return [
            { to: `${create}.CREATE.${stream}`, stream, config },
            { to: `${create}.CREATE.${stream}.${name}`, stream, config: { ...config, name } },
            { to: `${create}.DURABLE.CREATE.${stream}.${name}`, stream, config: { ...config, durable_name: name } },
          ];
        }),
      );
      await Promise.all(attempts.map(({ to, stream, config }) => ask(neighbour, to, { stream_name: stream, config })));
    }),
};

/** How a service's credentials were used against the others, and similar ways. */
export const ways: readonly Way[] = [direct, reply, republish, copying('mirror'), copying('source'), deliver];
