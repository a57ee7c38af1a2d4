import { setTimeout as delay } from 'node:timers/promises';
import { serviceNames } from '@countersign/stack';
import { commands, type CheckedCommand, type Found } from './commands.js';
import { type Compose } from './compose.js';

export interface CheckReport {
  readonly ok: boolean;
  /** Commands of the command line that were run. */
  readonly commands: number;
  readonly seconds: number;
  /** Mebibytes that each container held at the end. */
  readonly memory: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

export interface CheckOptions {
  /** Whether images are built first. */
  readonly build: boolean;
}

const AGAIN_EVERY_MS = 10_000;
const UNITS: Readonly<Record<string, number>> = { KiB: 1 / 1_024, MiB: 1, GiB: 1_024 };

/** Acts like a browser: follows redirects, with the cookies of each host. Prints the final URL and the page. */
const SIGN_IN = `
const jars = new Map();
let url = new URL('http://shop.localhost:4011/sign-in');
for (let step = 0; step < 12; step += 1) {
  const jar = jars.get(url.host) ?? new Map();
  jars.set(url.host, jar);
  const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
  const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
  for (const line of answer.headers.getSetCookie()) jar.set(...line.split(';')[0].split(/=(.*)/s).slice(0, 2));
  const location = answer.headers.get('location');
  if (location === null) {
    console.log(url.href + '\\n' + (await answer.text()));
    break;
  }
  url = new URL(location, url);
}`;

/** Brings the stack up in containers and runs on it what the documents say: the sample, every command, two replicas. */
export class ComposeCheck {
  readonly #wrong: string[] = [];
  readonly #found: Found = {};

  constructor(
    private readonly compose: Compose,
    private readonly print: (line: string) => void,
  ) {}

  async run({ build }: CheckOptions): Promise<CheckReport> {
    const startedAt = performance.now();
    const profiles = ['--profile', 'sample', '--profile', 'cli', '--profile', 'demo'];
    if (build) {
      this.print('building the images');
      await this.compose.do(...profiles, 'build');
    }
    this.print('starting');
    await this.compose.do('up', '-d');
    await this.compose.healthy(['postgres', 'nats', ...serviceNames]);
    await this.#sample('the sample payment');
    for (const command of commands) await this.#command(command);
    await this.#demo();
    await this.#replicas();
    const report = {
      ok: this.#wrong.length === 0,
      commands: commands.length,
      seconds: Math.round((performance.now() - startedAt) / 100) / 10,
      memory: await this.#memory(),
      wrong: this.#wrong,
    };
    return report;
  }

  async #command(command: CheckedCommand): Promise<void> {
    const args = command.args(this.#found);
    const deadline = performance.now() + (command.patienceMs ?? 0);
    for (;;) {
      const ended = await this.compose.countersign(...args);
      const { code, out, said } = ended;
      const holds = code === (command.code ?? 0) && (command.prints.test(out) || command.prints.test(said));
      if (!holds && performance.now() < deadline) {
        await delay(AGAIN_EVERY_MS);
        continue;
      }
      this.print(`${holds ? 'ok    ' : 'BROKEN'} countersign ${args.join(' ').slice(0, 100)}`);
      if (holds) command.keep?.(ended, this.#found);
      else
        this.#wrong.push(`countersign ${args.join(' ')} ended with ${String(code)}: ${`${said}${out}`.slice(0, 500)}`);
      return;
    }
  }

  async #sample(what: string): Promise<void> {
    const { code, out, said } = await this.compose.try('run', '--rm', '-T', 'sample', '--json');
    this.print(`${code === 0 ? 'ok    ' : 'BROKEN'} ${what}`);
    if (code !== 0) this.#wrong.push(`${what} ended with ${String(code)}: ${`${said}${out}`.slice(0, 500)}`);
  }

  /** As far as the provider's question: the shop has pushed its request, and the issuer knows the provider, all under the browser's addresses. */
  async #demo(): Promise<void> {
    await this.compose.do('--profile', 'demo', 'up', '-d');
    await this.compose.healthy(['provider', 'shop']);
    const [shop = ''] = await this.compose.containers('shop');
    const { code, out, said } = await this.compose.docker('exec', shop, 'node', '--input-type=module', '-e', SIGN_IN);
    const holds = code === 0 && /^http:\/\/provider\.localhost:4010\/interaction\/[\s\S]*Who are you\?/.test(out);
    this.print(`${holds ? 'ok    ' : 'BROKEN'} a sign-in to the demo application`);
    if (!holds) this.#wrong.push(`a sign-in to the demo application led to: ${`${said}${out}`.slice(0, 500)}`);
  }

  /** A second replica of payments serves, even without the first. */
  async #replicas(): Promise<void> {
    await this.compose.do('up', '-d', '--scale', 'payments=2');
    await this.compose.healthy(['payments']);
    const replicas = await this.compose.containers('payments');
    if (replicas.length !== 2) this.#wrong.push(`payments has ${String(replicas.length)} replicas instead of two`);
    await this.#sample('a payment with two replicas of payments');
    const [first] = replicas;
    if (first === undefined) return;
    await this.compose.docker('kill', first);
    await this.#sample('a payment after one of them was killed');
  }

  async #memory(): Promise<Record<string, number>> {
    const { out } = await this.compose.docker('stats', '--no-stream', '--format', '{{.ID}} {{.MemUsage}}');
    const used = new Map(
      [...out.matchAll(/^(\w+) ([\d.]+)([KMG]iB)/gm)].map(([, id = '', amount, unit = '']) => [
        id,
        Number(amount) * (UNITS[unit] ?? Number.NaN),
      ]),
    );
    const memory: Record<string, number> = {};
    for (const service of ['postgres', 'nats', ...serviceNames])
      for (const id of await this.compose.containers(service))
        memory[service] = Math.max(memory[service] ?? 0, Math.round(used.get(id.slice(0, 12)) ?? 0));
    return memory;
  }
}
